"""Rejects as lines of JSON or CSV: written for a person to fix, and read back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from batchwright.contracts.receipts import Reject
from batchwright.contracts.records import RecordType
from batchwright.errors import ConfigError
from batchwright.home import from_home
from batchwright.operations.mended import fields_of, mended

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
    """Yield the lines of a file that holds rejects: lines of JSON, or of CSV if its name ends so.

    Args:
        file: The file.
        record_type: Returns what the records of a relation are.

    Raises:
        ConfigError: The file can't be read, or a line is wrong; names the line.
    """
    file = from_home(file)
    if file.exists() and not file.is_file():  # a pipe could be read once, and is read twice
        raise ConfigError(f"{file} isn't a file; save the records in one")
    try:
        if file.suffix.lower() == ".csv":
            with file.open(encoding="utf-8-sig", newline="") as lines:
                rows = csv.DictReader(lines)
                for row in rows:
                    yield _of_row(row, f"{file}:{rows.line_num}", record_type)
            return
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parsed(line, f"{file}:{number}", record_type)
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not in UTF-8; save it as such") from error


def write_lines(rejects: Iterable[Reject], to: TextIO) -> int:
    """Write rejects as lines of JSON; return how many."""
    count = 0
    for count, reject in enumerate(rejects, 1):  # noqa: B007 - their number is wanted
        to.write(json.dumps(as_values(reject)) + "\n")
    return count


def write_csv(rejects: Iterable[Reject], record_type: Callable[[str | None], RecordType], to: TextIO) -> int:
    """Write rejects as CSV, for a person to fix in a spreadsheet; return how many.

    Columns that begin with an underscore say which reject it is, and why; the others are the record's. What
    has no record, such as a document that can't be read, is left out.

    Raises:
        ConfigError: They are of several record types.
    """
    writer, kind, count = None, None, 0
    for reject in rejects:
        if reject.payload is None or reject.position is None:
            continue
        own = record_type(reject.relation)
        if writer is None:
            kind, writer = own, csv.DictWriter(to, [*_ABOUT, *own.names])
            writer.writeheader()
        elif own != kind:
            raise ConfigError("the rejects are of several record types: say which, with --table")
        count += 1
        payload = reject.payload
        about = {
            "_id": reject.id,
            "_relation": reject.relation,
            "_why": reject.message,
            **{name: payload.get(name) for name in ("_item", "_line", "_text")},
        }
        writer.writerow({**about, **{name: _cell(payload.get(name)) for name in own.names}})
    return count


_ABOUT = ("_id", "_relation", "_why", "_item", "_line", "_text")


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _of_row(row: dict[str, Any], place: str, record_type: Callable[[str | None], RecordType]) -> Corrected:
    if not row.get("_id"):
        raise ConfigError(f"{place}: no _id of a reject, as `batchwright rejects export` writes it")
    if None in row or None in row.values():
        raise ConfigError(f"{place}: it has another number of fields than the first line")
    relation = row["_relation"] or None if "_relation" in row else None
    payload = {name: value for name, value in fields_of(row).items() if value != ""}
    try:
        mended(record_type(relation), row["_id"], payload)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from None
    return Corrected(row["_id"], payload, relation)


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
            mended(record_type(relation), values["id"], payload)
        return Corrected(values["id"], payload, relation)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: {error}") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON; use null or text")
