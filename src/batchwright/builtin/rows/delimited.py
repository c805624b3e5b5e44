"""Rows of CSV: fields between commas, semicolons, tabs or bars, in quotes where they need them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, ClassVar

from pydantic import Field as Option
from pydantic import field_validator

from batchwright.builtin.rows.lines import Lines, check_encoding
from batchwright.contracts.fields import Field
from batchwright.contracts.reader import BadLine, ReaderOptions, RowReader
from batchwright.contracts.records import RecordType
from batchwright.errors import DocumentError
from batchwright.items import Item

DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 20
"""Lines by which the delimiter is found."""

REPEATED = "it repeats the names of the columns, as where files were put together; take it out"


class CsvOptions(ReaderOptions):
    """Options of CSV, in ``[reader.csv]``.

    Attributes:
        delimiter: What stands between fields; None for what a first line like ``sep=;`` says, else for a tab
            in ``.tsv``, and for what the first lines show.
        quote: What fields stand in that hold delimiters or line ends; empty where quotes mean nothing.
        encoding: That of the bytes, where no byte order mark says it.
        columns: Names of the columns, where the file doesn't begin with them.
        max_row_bytes: The longest row. It also says where a quote that is never closed is given up.
    """

    delimiter: str | None = Option(default=None, min_length=1, max_length=1)
    quote: str = Option(default='"', max_length=1)
    encoding: str = "utf-8"
    columns: tuple[str, ...] = ()
    max_row_bytes: int = Option(default=16 * 1024 * 1024, ge=1024)

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        return check_encoding(encoding)


class CsvReader(RowReader[CsvOptions]):
    """Reads CSV and its like.

    A row may span lines where a field stands in quotes. Where such a row turns out to be none, since a quote
    is not closed or stands in the wrong place, only its first line is bad, and reading goes on behind that:
    one quote too many costs one row, and not the rest of the file.

    A first line like ``sep=;``, by which Excel is told the delimiter, is no row.
    """

    name = "csv"
    suffixes = (".csv", ".tsv")
    media_types = ("text/csv", "text/tab-separated-values")
    version = 2
    options_type = CsvOptions
    empty_is_null: ClassVar[bool] = True

    def sample(self, stream: BinaryIO) -> RecordType:
        """Return the columns; what they hold only all values can say."""
        columns = _Rows(stream, self.options, "").columns
        first, *rest = columns
        fields = (Field(first, "text"), *(Field(name, "text", nullable=True) for name in rest))
        return RecordType("rows", fields, first)

    def described(self, stream: BinaryIO, item: Item) -> str:
        """Return delimiter, encoding and quotes."""
        return _Rows(stream, self.options, item.key).described

    def rows(self, stream: BinaryIO, item: Item) -> Iterator[tuple[int, Mapping[str, Any] | BadLine]]:
        """Yield each row as texts by column, with the number of its first line."""
        return iter(_Rows(stream, self.options, item.key))


class _TooLong(Exception):
    """A row goes on for longer than is allowed."""


class _Rows:
    """One pass over the rows of a file."""

    def __init__(self, stream: BinaryIO, options: CsvOptions, key: str) -> None:
        # the limit is the whole process's; it is raised only, so nobody else's file stops being read
        csv.field_size_limit(max(csv.field_size_limit(), options.max_row_bytes))
        self._longest = options.max_row_bytes
        self._quote = options.quote
        self._lines = Lines(stream, options.encoding, options.max_row_bytes)
        self._row: list[str] = []  # the lines of the row that is being read
        self._names: list[str] = []  # of the columns, as they are written
        self._number = 0  # lines of the rows that were read
        said = self._said_delimiter()
        self.delimiter = options.delimiter or said or ("\t" if _is_tabbed(key) else self._found_delimiter())
        self._reader = self._new_reader()
        self.columns = options.columns or self._header()
        self._names = list(options.columns) or self._names

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, Any] | BadLine]]:
        columns, width, lines = self.columns, len(self.columns), self._lines
        last = self._names[-1]
        while True:
            try:
                for fields in self._reader:
                    start = self._number + 1
                    if len(fields) == width and not lines.unreadable and fields[-1] != last:
                        self._number += len(self._row)
                        self._row.clear()
                        yield start, dict(zip(columns, fields, strict=True))
                        continue
                    raw = self._take()
                    bad = self._fault(fields, start, raw) if fields else None
                    if bad is not None:
                        yield start, bad
                    elif fields:
                        yield start, dict(zip(columns, fields, strict=True))
                return
            except (csv.Error, _TooLong) as error:
                yield from self._around(str(error))

    @property
    def described(self) -> str:
        """How the rows are written."""
        delimiter = "tab" if self.delimiter == "\t" else repr(self.delimiter)
        quotes = f"quote {self._quote!r}" if self._quote else "no quotes"
        return f"csv, delimiter {delimiter}, encoding {self._lines.encoding}, {quotes}"

    # --- what is no row ---------------------------------------------------------------------------------

    def _fault(self, fields: list[str], start: int, raw: str) -> BadLine | None:
        """Return why a row is none, or None."""
        found, width = len(fields), len(self.columns)
        if width > 1 and [fields[0].removeprefix("\ufeff"), *fields[1:]] == self._names:
            return BadLine(REPEATED, self._lines.shown(raw).rstrip("\r\n"), may_be_row=False)
        for number in range(start, self._number + 1) if self._lines.unreadable else ():
            if number in self._lines.unreadable:
                at = "" if number == start else f"line {number}: "
                reason = f"{at}{self._lines.unreadable[number]}"
                if number in self._lines.cut:  # only what stands whole in the first line is certain
                    fields = self._leniently(next(io.StringIO(raw, newline="")))[:-1]
                return self._bad(reason, raw, fields)
        if found == width:
            return None
        few = "missing" if found < width else "too many"
        reason = f"{found} field{'s'[: found != 1]} instead of {width}: {abs(width - found)} {few}"
        return self._bad(reason, raw, fields)

    def _around(self, error: str) -> Iterator[tuple[int, Mapping[str, Any] | BadLine]]:
        """Yield the first line of a row that is none as bad, with those behind it that are none on their own.

        The others come again. Among them only what is a row in the strictest sense counts as one: they may be
        the inside of a field.
        """
        start, read = self._number + 1, self._row[:]
        self._row.clear()
        end = self._number + len(read)
        self._lines.give_back(read[1:])
        self._number += 1
        first = read[:1]
        self._reader = self._new_reader()
        reason = f"{error}; is a quote missing, or one too many?"
        strict = _strict_row(self.delimiter, self._quote)
        bad, held = first, None
        while self._number < end:
            begin = self._number + 1
            try:
                fields = next(self._reader, None)
            except (csv.Error, _TooLong):
                bad += self._row[:1]
                end = max(end, self._number + len(self._row))
                self._lines.give_back(self._row[1:])
                self._row.clear()
                self._number += 1
                self._reader = self._new_reader()
                continue
            if fields is None:
                break
            raw = self._take()
            if not fields:
                continue
            if self._fault(fields, begin, raw) is None and strict.fullmatch(raw):
                held = begin, dict(zip(self.columns, fields, strict=True))
                break
            bad.append(raw)
        text = "".join(bad)
        yield start, self._bad(reason, text, self._leniently(first[0]) if first else [])
        if held is not None:
            yield held

    def _bad(self, reason: str, raw: str, fields: list[str]) -> BadLine:
        # what can't be decoded must not be taken for a key
        values = {
            name: value
            for name, value in zip(self.columns, fields, strict=False)
            if not self._lines.unreadable or not _LONE.search(value)
        }
        return BadLine(reason, self._lines.shown(raw).rstrip("\r\n"), values)

    def _leniently(self, line: str) -> list[str]:
        reader = csv.reader([line], delimiter=self.delimiter, **self._quoting())
        try:
            return next(reader, [])
        except csv.Error:
            return []

    # --- lines ------------------------------------------------------------------------------------------

    def _take(self) -> str:
        """Return the lines of the row that was read, and count them."""
        raw = "".join(self._row)
        self._number += len(self._row)
        self._row.clear()
        return raw

    def _feed(self) -> Iterator[str]:
        row, longest, held = self._row, self._longest, 0
        for line in self._lines:
            row.append(line)
            if len(row) == 1:
                held = 0
            elif (held := held + len(line)) > longest:
                raise _TooLong(f"it goes on for more than {longest:,} bytes")
            yield line

    def _new_reader(self) -> Any:
        return csv.reader(self._feed(), delimiter=self.delimiter, strict=True, **self._quoting())

    def _quoting(self) -> dict[str, Any]:
        return {"quotechar": self._quote} if self._quote else {"quoting": csv.QUOTE_NONE}

    # --- the beginning ----------------------------------------------------------------------------------

    def _header(self) -> tuple[str, ...]:
        try:
            fields = next((fields for fields in self._reader if fields), None)
        except (csv.Error, _TooLong) as error:
            raise DocumentError("", f"its first line names no columns: {error}") from None
        if fields is None:
            raise DocumentError("", "it is empty; a file of rows begins with the names of its columns")
        self._take()
        self._names = fields
        for number, reason in self._lines.unreadable.items():
            if number <= self._number:
                raise DocumentError("", f"the names of its columns can't be read: {reason}")
        names = tuple(name.strip() or f"column_{number}" for number, name in enumerate(fields, 1))
        for number, name in enumerate(names):
            if names.index(name) != number:
                raise DocumentError(
                    "",
                    f"columns {names.index(name) + 1} and {number + 1} are both called {name}; rename one, "
                    "or take the first line out and give the names as columns in [reader.csv]",
                )
        return names

    def _said_delimiter(self) -> str:
        """Take a first line that says the delimiter; return that, or an empty text without such a line."""
        first = next(self._lines, "")
        found = _SAID.fullmatch(first)
        if found is None or found[1] == self._quote:
            self._lines.give_back([first] * bool(first))
            return ""
        self._number = 1
        return found[1]

    def _found_delimiter(self) -> str:
        """Return what separates the fields of the first lines.

        Raises:
            DocumentError: It could be several.
        """
        lines = list(islice(self._lines, LOOKED_AT))
        self._lines.give_back(lines)
        whole = [bare for line in lines if (bare := _outside_quotes(line, self._quote)).strip()]
        if not whole:
            return ","
        found = [delimiter for delimiter in DELIMITERS if delimiter in whole[0]]
        if len(found) > 1:  # such as a comma within a name
            alike = [one for one in found if len({line.count(one) for line in whole}) == 1]
            found = alike or found
        if len(found) > 1 and found[0] != ",":
            said = " or ".join(map(repr, found))
            raise DocumentError(
                "", f"its fields may be separated by {said}; say which: delimiter in [reader.csv]"
            )
        return found[0] if found else ","


_LONE = re.compile("[\udc80-\udcff]")
_SAID = re.compile(r"""["']?sep=([^\r\n])["']?[\r\n]*""", re.IGNORECASE)


def _is_tabbed(key: str) -> bool:
    return ".tsv" in key.lower()[-9:]


def _outside_quotes(line: str, quote: str) -> str:
    if not quote:
        return line
    mark = re.escape(quote)
    return re.sub(f"{mark}[^{mark}]*({mark}|$)", "", line)


def _strict_row(delimiter: str, quote: str) -> re.Pattern[str]:
    """Return what a row looks like in which quotes stand only where they may."""
    mark, between = re.escape(quote or "\0"), re.escape(delimiter)
    field = rf"(?:[^{between}{mark}\r\n]*|{mark}(?:[^{mark}]|{mark}{mark})*{mark})"
    return re.compile(rf"{field}(?:{between}{field})*[\r\n]*")
