"""Checks: what every reader promises, of documents as of rows."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import random
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import pytest

from batchwright.contracts.reader import AnyReader, ReaderOptions
from batchwright.errors import ConfigError, DocumentError
from batchwright.items import Item
from batchwright.testing.audits import asked
from batchwright.testing.calls import silent, within
from batchwright.testing.records import SECRET
from batchwright.testing.streams import OnceOnly

MakeReader = Callable[[], AnyReader]
"""Returns a new reader."""

Samples = Mapping[str, bytes]
"""What a reader reads, by the key that it has."""


class ItemReaderChecks:
    """The fixtures, attributes and checks that both contracts have."""

    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def make_reader(self) -> MakeReader:
        """Override: return a callable that makes new readers."""
        pytest.fail("override the fixture `make_reader`: it returns a callable that makes new readers")

    @pytest.fixture
    def samples(self) -> Samples:
        """Override: return some files that it reads, by their keys."""
        pytest.fail("override the fixture `samples`: it returns files that the reader reads, by their keys")

    @abstractmethod
    def made_of(self, reader: AnyReader, stream: Any, item: Item) -> Any:
        """Return all that the reader makes of a stream."""

    def outcome(self, reader: AnyReader, data: bytes, key: str) -> Any:
        """Return what the reader makes of bytes, or its DocumentError; the check fails for any other."""
        item, stream = Item(key, None, len(data)), OnceOnly(data)
        try:
            return within(
                self.patience, f"reading {len(data):,} bytes", partial(self.made_of, reader, stream, item)
            )
        except DocumentError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the point
            pytest.fail(
                f"{type(error).__name__}: {error}, of {data[:60]!r}… ({len(data):,} bytes); say in a "
                "DocumentError what is wrong with the bytes"
            )

    def test_the_same_bytes_give_the_same(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: what is read depends on what was read before, on the time, or on chance."""
        reader = make_reader()
        first = {key: self.outcome(make_reader(), data, key) for key, data in samples.items()}
        for key in [*list(samples)[::-1], *samples]:
            assert _alike(self.outcome(reader, samples[key], key), first[key]), key

    def test_nothing_but_the_bytes_and_the_key_counts(
        self, make_reader: MakeReader, samples: Samples
    ) -> None:
        """Fails: the reader looks at the item's handle, size or fingerprint, which differ by source."""
        for key, data in samples.items():
            other = Item(key, object(), 0, "fingerprint", "application/octet-stream")
            plain = self.outcome(make_reader(), data, key)
            said = within(
                self.patience, "reading", partial(self.made_of, make_reader(), OnceOnly(data), other)
            )
            assert _alike(said, plain), key

    def test_a_damaged_file_costs_only_itself(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: bytes that are cut short or damaged raise something else than a DocumentError, or hang."""
        reader = make_reader()
        for key, data in samples.items():
            before = self.outcome(make_reader(), data, key)
            for damaged in _damaged(data):
                self.outcome(reader, damaged, key)
            assert _alike(self.outcome(reader, data, key), before), (
                "after a damaged file a good one is read otherwise"
            )

    def test_a_refusal_names_its_file_and_says_why(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: a DocumentError has another key than the item, or no reason."""
        for key, data in samples.items():
            for damaged in _damaged(data):
                said = self.outcome(make_reader(), damaged, key)
                if isinstance(said, DocumentError):
                    assert said.source_file == key
                    assert said.reason.strip()

    def test_nobody_is_asked(self, make_reader: MakeReader, samples: Samples) -> None:
        """Fails: reading connects to something, or starts a program. Follow no link that a file holds."""
        for key, data in samples.items():
            with asked() as whom:
                self.outcome(make_reader(), data, key)
            assert not whom, f"{key}: {whom[0]}"

    def test_nothing_is_written_to_stdout(
        self, make_reader: MakeReader, samples: Samples, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Fails: it prints. Stdout belongs to the results of the command; log, or write to stderr."""
        for key, data in samples.items():
            self.outcome(make_reader(), data, key)
        silent(capfd, "the reader")

    def test_the_reader_says_what_it_is(self, make_reader: MakeReader) -> None:
        """Fails: the name is empty, an ending isn't as ``.rst``, or the version is no whole number from 1."""
        reader = make_reader()
        assert reader.name.strip() == reader.name != ""
        assert reader.suffixes or reader.media_types, (
            "it has no endings and no media types: nothing comes to it"
        )
        for suffix in reader.suffixes:
            assert re.fullmatch(r"\.[^/\s]+", suffix), suffix
            assert suffix == suffix.lower(), suffix
        for media_type in reader.media_types:
            assert re.fullmatch(r"[a-z0-9.+-]+/[a-z0-9.+-]+", media_type), media_type
        assert type(reader.version) is int
        assert reader.version >= 1

    def test_its_signature_is_that_of_its_options(self, make_reader: MakeReader) -> None:
        """Fails: `signature` differs between two readers alike: all would be read anew each time."""
        assert make_reader().signature == make_reader().signature != ""

    def test_an_unknown_option_is_refused(self, make_reader: MakeReader) -> None:
        """Fails: a misspelt option is ignored, or shown with its value. Keep to ReaderOptions."""
        reader = make_reader()
        assert issubclass(reader.options_type, ReaderOptions)
        given = reader.options.model_dump(by_alias=True, exclude_unset=True)
        with pytest.raises(ConfigError, match="no_such_option") as caught:
            reader.options_type.model_validate({**given, "no_such_option": SECRET})
        assert SECRET not in str(caught.value), "an error of the options shows what was given"


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, DocumentError) and isinstance(other, DocumentError):
        return one.args == other.args
    return bool(one == other)


def _damaged(data: bytes) -> Iterator[bytes]:
    """Yield what may come instead of a file; always the same."""
    dice = random.Random(4711)  # noqa: S311 - not for secrets
    yield from (b"", b"\0", b"\xff\xfe\0\xd8", b"\xef\xbb\xbf", b"<", b"{" * 3_000, b"\0" * 70_000)
    yield dice.randbytes(5_000)
    for _ in range(12):
        yield data[: dice.randrange(len(data) + 1)]
        if data:
            place = dice.randrange(len(data))
            yield data[:place] + dice.randbytes(dice.randrange(1, 9)) + data[place:]
            yield data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]
    yield data + data
