"""The first stage of a search: which of the published records may rank high."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.statistics import Frequencies, frequencies
from batchwright.builtin.postgres.tsquery import TsQueries, all_of, any_of
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.search.rank import MOST, Candidate
...
