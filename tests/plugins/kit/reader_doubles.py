"""Readers that keep their contracts, and such that break one promise each."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any, BinaryIO, TypedDict

from pydantic import ConfigDict

from batchwright import BadLine, Document, DocumentError, Item, Omission, Reader, ReaderOptions, RowReader
from batchwright.contracts.records import RecordType

Rows = Iterator[tuple[int, Mapping[str, Any] | BadLine]]


class _Tolerant(ReaderOptions):
    model_config = ConfigDict(extra="ignore")


def connect() -> None:
    with closing(socket.socket()) as connection, suppress(OSError):
        connection.settimeout(1)
        connection.connect(("127.0.0.1", 9))


# --- of documents -------------------------------------------------------------------------------------


class GoodReader(Reader[ReaderOptions]):
    name = "good"
    suffixes = (".note",)
    media_types = ("text/x-note",)
    version = 1

    def __init__(self, options: ReaderOptions | None = None) -> None:
        super().__init__(options or type(self).options_type())

    def read(self, stream: BinaryIO, item: Item) -> Document:
        data = stream.read()
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise self.refused(item, error) from None
        left_out = (Omission("image", "1"),) * text.count("!")
        pages = tuple(place for place, sign in enumerate(text) if sign == "\n")
        return Document(item.key, text, metadata={"words": len(text.split())}, left_out=left_out, pages=pages)

    def refused(self, item: Item, error: UnicodeDecodeError) -> Exception:
        return DocumentError(item.key, f"it isn't UTF-8: byte {error.start}")


class RefusesAll(GoodReader):
    def read(self, stream: BinaryIO, item: Item) -> Document:
        raise DocumentError(item.key, "no")


class NamesTheStem(GoodReader):
    def read(self, stream: BinaryIO, item: Item) -> Document:
        return replace(super().read(stream, item), source_file=item.key.rpartition("/")[2])


class KeepsBytes(GoodReader):
    def read(self, stream: BinaryIO, item: Item) -> Document:
        return replace(super().read(stream, item), metadata={"raw": b"x"})


class LeavesOutTexts(GoodReader):
    def read(self, stream: BinaryIO, item: Item) -> Document:
        return replace(super().read(stream, item), left_out=("an image",))  # type: ignore[arg-type]


class CountsPagesInBytes(GoodReader):
    def read(self, stream: BinaryIO, item: Item) -> Document:
        document = super().read(stream, item)
        places = (len(document.text[:place].encode()) for place in document.pages)
        return replace(document, pages=tuple(places))


class Counts(GoodReader):
    count = 0

    def read(self, stream: BinaryIO, item: Item) -> Document:
        self.count += 1
        return replace(super().read(stream, item), title=f"No. {self.count}")


class LooksAtTheSize(GoodReader):
    def read(self, stream: BinaryIO, item: Item) -> Document:
        return super().read(stream, item) if item.size else Document(item.key, "")


class LetsErrorsOut(GoodReader):
    def refused(self, item: Item, error: UnicodeDecodeError) -> Exception:
        return error


class SaysNoReason(GoodReader):
    def refused(self, item: Item, error: UnicodeDecodeError) -> Exception:
        return DocumentError("?", "")


class FollowsLinks(GoodReader):
    def read(self, stream: BinaryIO, item: Item) -> Document:
        connect()
        return super().read(stream, item)


class Prints(GoodReader):
    def read(self, stream: BinaryIO, item: Item) -> Document:
        os.write(1, b"reading\n")
        return super().read(stream, item)


class HasBareSuffixes(GoodReader):
    suffixes = ("note",)


class SignsWithItsIdentity(GoodReader):
    @property
    def signature(self) -> str:
        return f"{super().signature}{id(self)}"


class IgnoresOptions(GoodReader):
    options_type = _Tolerant


READERS: dict[str, Callable[..., Any]] = {
    "every_sample_is_read": RefusesAll,
    "the_document_has_the_key_of_the_item": NamesTheStem,
    "the_document_is_what_it_should_be": KeepsBytes,
    "its_pages_are_in_the_text": CountsPagesInBytes,
    "what_is_left_out_says_why": LeavesOutTexts,
    "the_same_bytes_give_the_same": Counts,
    "nothing_but_the_bytes_and_the_key_counts": LooksAtTheSize,
    "a_damaged_file_costs_only_itself": LetsErrorsOut,
    "a_refusal_names_its_file_and_says_why": SaysNoReason,
    "nobody_is_asked": FollowsLinks,
    "nothing_is_written_to_stdout": Prints,
    "the_reader_says_what_it_is": HasBareSuffixes,
    "its_signature_is_that_of_its_options": SignsWithItsIdentity,
    "an_unknown_option_is_refused": IgnoresOptions,
}


# --- of rows ------------------------------------------------------------------------------------------


class Pair(TypedDict):
    id: str
    value: str


class GoodRows(RowReader[ReaderOptions]):
    """Lines of an id and a value, with a colon between."""

    name = "pairs"
    suffixes = (".pairs",)
    version = 1

    def __init__(self, options: ReaderOptions | None = None) -> None:
        super().__init__(options or type(self).options_type())

    def sample(self, stream: BinaryIO) -> RecordType:
        if b":" not in stream.readline(1_000):
            raise DocumentError("", "its first line has no colon")
        return RecordType.of(Pair)

    def rows(self, stream: BinaryIO, item: Item) -> Rows:
        for number, line in enumerate(self.lines(stream), 1):
            yield self.numbered(number), self.row(line, item)

    def lines(self, stream: BinaryIO) -> Iterator[bytes]:
        yield from iter(lambda: stream.readline(10_000), b"")

    def numbered(self, number: int) -> int:
        return number

    def row(self, line: bytes, item: Item) -> Mapping[str, Any] | BadLine:
        text = line.decode("utf-8", "backslashreplace").rstrip("\n")
        key, colon, value = text.partition(":")
        return {"id": key, "value": value} if colon else BadLine("it has no colon", text or repr(text))


class YieldsTuples(GoodRows):
    def row(self, line: bytes, item: Item) -> Any:
        return tuple(line.split(b":"))


class CountsFromZero(GoodRows):
    def numbered(self, number: int) -> int:
        return number - 1


class Other(TypedDict):
    id: str


class NamesOneColumn(GoodRows):
    def sample(self, stream: BinaryIO) -> RecordType:
        super().sample(stream)
        return RecordType.of(Other)


class SamplesAnything(GoodRows):
    def sample(self, stream: BinaryIO) -> RecordType:
        stream.readline(1_000).decode()
        return RecordType.of(Pair)


class ReadsItAll(GoodRows):
    def lines(self, stream: BinaryIO) -> Iterator[bytes]:
        yield from stream.read().splitlines(keepends=True)


class LosesTheLastBuffer(GoodRows):
    def lines(self, stream: BinaryIO) -> Iterator[bytes]:
        rest = b""
        while len(part := stream.read(4_096)) == 4_096:
            *whole, rest = (rest + part).split(b"\n")
            yield from whole
        if not rest:
            yield from part.split(b"\n")[:-1]


class PassesOver(GoodRows):
    def rows(self, stream: BinaryIO, item: Item) -> Rows:
        yield from (one for one in super().rows(stream, item) if not isinstance(one[1], BadLine))


class CountsRows(GoodRows):
    count = 0

    def row(self, line: bytes, item: Item) -> Any:
        self.count += 1
        row = super().row(line, item)
        return row if isinstance(row, BadLine) else {**row, "value": str(self.count)}


class LooksAtTheFingerprint(GoodRows):
    def row(self, line: bytes, item: Item) -> Any:
        row = super().row(line, item)
        return row if isinstance(row, BadLine) else {**row, "value": item.fingerprint}


class LetsRowsErrorsOut(GoodRows):
    def row(self, line: bytes, item: Item) -> Any:
        key, value = line.decode().rstrip().split(":")
        return {"id": key, "value": value}


class RefusesWithoutReason(GoodRows):
    def rows(self, stream: BinaryIO, item: Item) -> Rows:
        found = super().rows(stream, item)
        first = next(found, None)
        if first is None or isinstance(first[1], BadLine):
            raise DocumentError(item.key, " ")
        yield first
        yield from found


class RowsFollowLinks(GoodRows):
    def row(self, line: bytes, item: Item) -> Any:
        connect()
        return super().row(line, item)


class PrintsRows(GoodRows):
    def row(self, line: bytes, item: Item) -> Any:
        print(line)
        return super().row(line, item)


class HasNoVersion(GoodRows):
    version = 0


class SignsRowsWithItsIdentity(GoodRows):
    @property
    def signature(self) -> str:
        return f"{super().signature}{id(self)}"


class IgnoresRowOptions(GoodRows):
    options_type = _Tolerant


ROW_READERS: dict[str, Callable[..., Any]] = {
    "every_sample_has_rows": YieldsTuples,
    "lines_are_counted_from_one": CountsFromZero,
    "the_sample_names_the_columns": NamesOneColumn,
    "a_sample_of_damaged_bytes_is_refused": SamplesAnything,
    "rows_come_while_the_rest_is_unread": ReadsItAll,
    "every_row_of_many_comes": LosesTheLastBuffer,
    "a_bad_line_costs_only_itself": PassesOver,
    "the_same_bytes_give_the_same": CountsRows,
    "nothing_but_the_bytes_and_the_key_counts": LooksAtTheFingerprint,
    "a_damaged_file_costs_only_itself": LetsRowsErrorsOut,
    "a_refusal_names_its_file_and_says_why": RefusesWithoutReason,
    "nobody_is_asked": RowsFollowLinks,
    "nothing_is_written_to_stdout": PrintsRows,
    "the_reader_says_what_it_is": HasNoVersion,
    "its_signature_is_that_of_its_options": SignsRowsWithItsIdentity,
    "an_unknown_option_is_refused": IgnoresRowOptions,
}
