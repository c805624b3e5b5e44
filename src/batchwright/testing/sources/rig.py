"""What every check of a source works with: the fixtures that an author supplies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import pytest

from batchwright.contracts.source import AnySource, Fetched
from batchwright.documents.selection import Selection
from batchwright.items import Item
from batchwright.model import Document
from batchwright.testing.calls import within
from batchwright.testing.records import SECRET

MakeSource = Callable[[], AnySource]
"""Returns a new source of the test's input."""

Contents = Callable[[], Mapping[str, Any]]
"""Returns what each item of the input holds, by key."""

Put = Callable[[str, bytes], None]
"""``put(key, data)`` adds an item to the input, or changes it."""

Remove = Callable[[str], None]
"""``remove(key)`` takes an item away from the input."""

Context = Callable[[], AbstractContextManager[object]]
"""Returns a context in which something is wrong."""


class SourceRig:
    """The source under test, and how the engine uses it."""

    def __init__(self, make_source: MakeSource, patience: float) -> None:
        self._make = make_source
        self._made: list[AnySource] = []
        self.patience = patience

    def make(self, **selection: Any) -> AnySource:
        """Return a new source, which selects all; it is closed when the check ends."""
        source = self._make()
        everything = {"patterns": ("*",), "hidden": True, "default_excludes": False}
        source.selection = Selection(**{**everything, **selection})
        self._made.append(source)
        return source

    def listed(self, source: AnySource | None = None, **bounds: Any) -> list[Item]:
        """Return all that is listed, within the time."""
        source = source or self.make()
        return within(self.patience, "`list`", lambda: list(source.list(**bounds)))

    def fetched(self, source: AnySource, item: Item) -> Fetched:
        """Return what is fetched, within the time."""
        return within(self.patience, "`fetch`", lambda: source.fetch(item))

    def content(self, source: AnySource, item: Item) -> Any:
        """Return what an item holds, as `Contents` has it."""
        return self.read(self.fetched(source, item))

    def read(self, fetched: Fetched) -> Any:
        """Return all of what was fetched."""
        return within(self.patience, "reading what was fetched", lambda: held_by(fetched))

    def close(self) -> None:
        """Close what was made."""
        for source in self._made:
            with suppress(Exception):
                source.close()


def held_by(fetched: Fetched, at_once: int = -1) -> Any:
    """Return all of what was fetched, read by so many bytes at once."""
    if isinstance(fetched.open, Document):
        return fetched.open
    if not callable(fetched.open):
        return list(fetched.open)
    with fetched.open() as stream:
        return b"".join(iter(lambda: stream.read(at_once), b""))


class SourceChecks:
    """The fixtures and attributes of `SourceContract`; see there."""

    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def make_source(self) -> MakeSource:
        """Override: return a callable that makes new sources of one input, with three items or more."""
        pytest.fail("override the fixture `make_source`: it returns a callable that makes new sources")

    @pytest.fixture
    def contents(self) -> Contents:
        """Override: return a callable that returns what each item holds, read without the source."""
        pytest.fail(
            "override the fixture `contents`: it returns a callable that returns what each item holds"
        )

    @pytest.fixture
    def put(self) -> Put | None:
        """Override where items can be added to the input, and changed."""
        return None

    @pytest.fixture
    def remove(self) -> Remove | None:
        """Override where items can be taken away from the input."""
        return None

    @pytest.fixture
    def break_off(self) -> Context | None:
        """Override where a listing comes in parts, of which a later one can be made to fail."""
        return None

    @pytest.fixture
    def cut_off(self) -> Context | None:
        """Override where the input can be made unreachable for a while."""
        return None

    @pytest.fixture
    def wrong_source(self, make_source: MakeSource) -> AnySource:
        """Override where it can't be of use: return a source that can't be reached, `SECRET` in its URL."""
        source = make_source()
        parts = urlsplit(source.options.url.get_secret_value())
        wrong = parts._replace(netloc=f"kit:{SECRET}@127.0.0.1:9", query="", fragment="")
        given = source.options.model_dump(by_alias=True, exclude_unset=True)
        return type(source)(source.options_type.model_validate({**given, "url": urlunsplit(wrong)}))

    @pytest.fixture
    def rig(self, make_source: MakeSource) -> Iterator[SourceRig]:
        """The kit's own."""
        rig = SourceRig(make_source, self.patience)
        yield rig
        rig.close()
