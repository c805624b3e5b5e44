"""Rejects as lines of JSON: written for a person to fix, and read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from batchwright.contracts.receipts import Reject
from batchwright.contracts.record_json import record_of
from batchwright.contracts.records import RecordType
from batchwright.errors import ConfigError

_FIELDS = tuple(field.name for field in fields(Reject))


@dataclass(frozen=True, slots=True)
class Corrected:
    """A reject as a person changed it: a line of the file.

    Attributes:
        id: Which.
        payload: The fields to be stored in its place; None for a whole document.
        relation: The published relation that it is in; None where it goes without saying.
    """

    id: str
    payload: Mapping[str, Any] | None
    relation: str | None = None


def as_values(reject: Reject) -> dict[str, Any]:
    """Return the reject as JSON values; its payload is what `read` understands."""
    return {name: getattr(reject, name) for name in _FIELDS}


def read(file: Path, record_type: Callable[[str | None], RecordType]) -> Iterator[Corrected]:
    """Yield the lines of a file that holds rejects as lines of JSON.

    Args:
        file: The file.
        record_type: Returns what the records of a relation are.

    Raises:
        ConfigError: The file can't be read, or a line is wrong; names the line.
    """
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parsed(line, f"{file}:{number}", record_type)
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not in UTF-8; save it as such") from error


def _parsed(line: str, place: str, record_type: Callable[[str | None], RecordType]) -> Corrected:
    try:
        values = json.loads(line, parse_constant=_refuse_constant)
        if not isinstance(values, dict) or not isinstance(values.get("id"), str):
            raise ValueError("no object with the id of a reject, as `batchwright rejects list --json` prints")
        payload = values.get("payload")
        if payload is not None and not isinstance(payload, dict):
            raise ValueError(f"a record is a JSON object, not {type(payload).__name__}")
        relation = values.get("relation")
        if relation is not None and not isinstance(relation, str):
            raise ValueError(f"a relation's name is a text, not {type(relation).__name__}")
        if payload is not None:
            record_of(record_type(relation), values["id"], payload)
        return Corrected(values["id"], payload, relation)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: {error}") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON; use null or text")
