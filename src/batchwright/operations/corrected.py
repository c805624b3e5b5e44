"""Rejects as lines of JSON: written for a person to fix, and read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from batchwright.contracts.receipts import Reject
from batchwright.errors import ConfigError
from batchwright.model import ProcessedChunk
from batchwright.sinkkit.rejects import from_json, to_json

_FIELDS = tuple(field.name for field in fields(Reject))


@dataclass(frozen=True, slots=True)
class Corrected:
    """A line of the file: which reject, and what is to be stored in its place (None: a whole document)."""

    id: str
    payload: ProcessedChunk | None


def as_values(reject: Reject) -> dict[str, Any]:
    """Return the reject as JSON values; its payload is what `read` understands."""
    values: dict[str, Any] = {name: getattr(reject, name) for name in _FIELDS}
    values["payload"] = None if reject.payload is None else json.loads(to_json(reject.payload))
    return values


def read(file: Path) -> Iterator[Corrected]:
    """Yield the lines of a file that holds rejects as lines of JSON.

    Raises:
        ConfigError: The file can't be read, or a line is wrong; names the line.
    """
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parsed(line, f"{file}:{number}")
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not in UTF-8; save it as such") from error


def _parsed(line: str, place: str) -> Corrected:
    try:
        values = json.loads(line)
        if not isinstance(values, dict) or not isinstance(values.get("id"), str):
            raise ValueError("no object with the id of a reject, as `batchwright rejects list --json` prints")
        payload = values.get("payload")
        if payload is None:
            return Corrected(values["id"], None)
        return Corrected(values["id"], from_json(json.dumps(payload)))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: {error}") from None
