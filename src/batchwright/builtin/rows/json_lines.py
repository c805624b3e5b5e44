"""Rows of JSON Lines: an object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, Never

from pydantic import Field as Option
from pydantic import field_validator

from batchwright.builtin.rows.lines import Lines, check_encoding
from batchwright.contracts.fields import MOST_DIGITS, USUAL_SCALE, Field, FieldType
from batchwright.contracts.reader import BadLine, ReaderOptions, RowReader
from batchwright.contracts.records import RecordType
from batchwright.errors import DocumentError
from batchwright.items import Item

LOOKED_AT = 1_000
"""Lines by which the names of the columns are found."""

LONGEST_SHOWN = 40
"""Digits of a number that a message shows."""


class JsonLinesOptions(ReaderOptions):
    """Options of JSON Lines, in ``[reader.jsonl]``.

    Attributes:
        encoding: That of the bytes, where no byte order mark says it.
        max_row_bytes: The longest row.
    """

    encoding: str = "utf-8"
    max_row_bytes: int = Option(default=16 * 1024 * 1024, ge=1024)

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        return check_encoding(encoding)


class JsonLinesReader(RowReader[JsonLinesOptions]):
    """Reads JSON Lines. Numbers that a float can't hold exactly as they are written are decimals.

    A line with one that no column can hold, such as 1e400, is no row: its column stays one of numbers.
    """

    name = "jsonl"
    suffixes = (".jsonl", ".ndjson")
    media_types = ("application/x-ndjson", "application/jsonl")
    version = 2
    options_type = JsonLinesOptions

    def sample(self, stream: BinaryIO) -> RecordType:
        """Return the columns of the first lines; others may follow."""
        types: dict[str, set[FieldType]] = {}
        bad = ""
        for number, row in islice(self.rows(stream, Item("")), LOOKED_AT):
            if isinstance(row, BadLine):
                bad = bad or f"line {number}: {row.reason}"
                continue
            for name, value in row.items():
                known = types.setdefault(name, set())
                if value is not None:
                    known.add(_type_of(value))
        if not types:
            wrong = f"none of its first lines is an object that can be read; {bad}" if bad else "it is empty"
            raise DocumentError("", f"{wrong}; JSON Lines have one object a line")
        fields = [
            Field(name, found.pop() if len(found) == 1 else "json", nullable=True)
            for name, found in types.items()
        ]
        keyed = next((field for field in fields if field.type in ("text", "integer")), None)
        if keyed is None:
            held = "; ".join(
                f"{name} holds {' and '.join(sorted(types[name])) or 'null'}" for name in [*types][:5]
            )
            raise DocumentError(
                "", f"none of its columns holds texts or whole numbers only, as a key does: {held}"
            )
        fields[fields.index(keyed)] = Field(keyed.name, keyed.type)
        return RecordType("rows", tuple(fields), keyed.name)

    def rows(self, stream: BinaryIO, item: Item) -> Iterator[tuple[int, Mapping[str, Any] | BadLine]]:
        """Yield each object with the number of its line."""
        lines = Lines(stream, self.options.encoding, self.options.max_row_bytes)
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            if number in lines.unreadable:
                yield (
                    number,
                    BadLine(lines.unreadable[number], lines.shown(line).rstrip("\r\n"), _beginning(line)),
                )
                continue
            try:
                row = _parse(line)
            except (ValueError, RecursionError) as error:
                yield number, BadLine(_reason(error), lines.shown(line).rstrip("\r\n"), _beginning(line))
                continue
            if type(row) is dict:
                yield number, row
            else:
                reason = f"it is {_said(row)}, not an object"
                yield number, BadLine(reason, lines.shown(line).rstrip("\r\n"))


def _number(text: str) -> float | Decimal:
    """Return a number with a point or an exponent: as a float, unless that changes it."""
    number = float(text)
    if repr(number) == text:
        return number
    exact = Decimal(text)
    if Decimal(repr(number)) == exact:
        return number
    if _digits(exact) > MOST_DIGITS:
        raise ValueError(
            f"{_shortened(text)} fits neither 64 bits nor a decimal of {MOST_DIGITS} digits "
            f"({MOST_DIGITS - USUAL_SCALE} before the point); in quotes it is a text"
        )
    return exact


def _digits(number: Decimal) -> int:
    """Return how many digits a column of decimals needs for a number."""
    behind = -int(number.as_tuple().exponent)
    return max(number.adjusted() + 1, 1) + max(behind, USUAL_SCALE)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _constant(name: str) -> Never:
    raise ValueError(f"{name} is no value of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice} occurs twice")
    return found


_decoder = json.JSONDecoder(parse_float=_number, parse_constant=_constant, object_pairs_hook=_object)
_parse = _decoder.decode


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg} at character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return f"no row: {error}"


def _said(value: object) -> str:
    if isinstance(value, bool | None):
        return json.dumps(value)
    return "an array" if isinstance(value, list) else "a string" if isinstance(value, str) else "a number"


_NAME = re.compile(r'\s*,?\s*("(?:[^"\\]|\\.)*")\s*:\s*')


def _beginning(line: str) -> dict[str, Any]:
    """Return what can be read of an object that is broken, or cut off: what stands before the fault."""
    found: dict[str, Any] = {}
    at = line.find("{") + 1
    if not at:
        return found
    try:
        while match := _NAME.match(line, at):
            value, at = _decoder.raw_decode(line, match.end())
            if at >= len(line.rstrip()) and not isinstance(value, str):
                break  # a number may go on
            if not (isinstance(value, str) and not value.isprintable() and _is_lone(value)):
                found.setdefault(json.loads(match[1]), value)
    except (ValueError, RecursionError):
        pass
    return found


def _is_lone(text: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in text)


def _type_of(value: Any) -> FieldType:
    kinds: dict[type, FieldType] = {
        bool: "boolean",
        int: "integer",
        float: "real",
        Decimal: "decimal",
        str: "text",
    }
    return kinds.get(type(value), "json")
