"""What type the records are that a program brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from batchwright.contracts.record_classes import snake_case
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.errors import ConfigError
from batchwright.model import Document, ProcessedChunk


def type_of(
    records: Iterable[Any],
    record: type | RecordType | None,
    *,
    key: str,
    text: str | None,
    heading: str | None,
) -> tuple[RecordType, Iterable[Any]]:
    """Return the type of records, and all of them, also those that were looked at.

    Args:
        records: They may come once only.
        record: Their class or type; None for the class of the first. Without any they are chunks.
        key: The field that names one.
        text: The field that is searched, or None.
        heading: The field that says where the text stands, or None.

    Raises:
        ConfigError: It can't be found out, or is one that can't be stored.
    """
    if isinstance(record, RecordType):
        return record, records
    if record is None:
        rest = iter(records)
        for first in rest:
            records = chain([first], rest)
            record = type(first)
            break
        else:
            return CHUNK, ()
        if issubclass(record, Mapping):
            raise ConfigError("record: say what the mappings are: a model, a TypedDict, or a RecordType")
    if issubclass(record, Document | ProcessedChunk):
        return CHUNK, records
    return RecordType.of(record, key=key, text=text, heading=heading), records


def name_of(record: type | RecordType | None) -> str:
    """Return the name of a type of records; its key and the other roles need not be known for that.

    Args:
        record: As for `type_of`; None for chunks.
    """
    if isinstance(record, RecordType):
        return record.name
    if record is None or issubclass(record, Document | ProcessedChunk):
        return CHUNK.name
    return snake_case(record.__name__)
