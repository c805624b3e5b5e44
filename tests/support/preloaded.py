"""Imported once, by the process from which others are forked."""

from __future__ import annotations

import batchwright.builtin.postgres.store
import batchwright.builtin.sqlite.store
import batchwright.cli.run
import batchwright.cli.verify  # noqa: F401
from batchwright.documents import Tokenizer
from batchwright.plugins.manager import PluginManager

PluginManager.load()
Tokenizer("cl100k_base").count("warm")
