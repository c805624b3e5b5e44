"""A source that keeps its contract, and such that break one promise each."""

from __future__ import annotations

import hashlib
import io
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypedDict
from urllib.parse import unquote

from pydantic import ConfigDict

from batchwright import DocumentError, Fetched, Item, Source, SourceLimits, SourceOptions
from batchwright.contracts.records import RecordType
from batchwright.documents import Selection
from tests.plugins.kit.reference import Broken

PAGE = 20


@dataclass
class Shelf:
    """What a source under trial reads: items by key, and what is wrong with the way there."""

    items: dict[str, bytes] = field(default_factory=dict)
    away: bool = False
    breaks_off: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        self.away = True
        try:
            yield
        finally:
            self.away = False

    @contextmanager
    def break_off(self) -> Iterator[None]:
        self.breaks_off = True
        try:
            yield
        finally:
            self.breaks_off = False


SHELVES: dict[str, Shelf] = {}
"""By URL, so that copies of a source find theirs."""


class GoodSource(Source[SourceOptions]):
    name = "good"
    schemes = ("shelf",)
    selects = True
    limits = SourceLimits(at_once=4)

    @property
    def shelf(self) -> Shelf:
        url = self.options.url.get_secret_value()
        if url not in SHELVES or SHELVES[url].away:
            raise ConnectionError("the shelf is out of reach")
        return SHELVES[url]

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        shelf = self.shelf
        for number, key in enumerate(self.keys(shelf, after, until, since)):
            if shelf.breaks_off and number >= 1:
                self.broken_off()
                return
            if self.selection.takes(key):
                yield self.listed(shelf, key)

    def keys(self, shelf: Shelf, after: str, until: str | None, since: str | None) -> Sequence[str]:
        return [
            key
            for key in sorted(shelf.items)
            if after < key
            and (until is None or key <= until)
            and (since is None or (cursor := self.cursor(Item(key))) is None or cursor >= since)
        ]

    def listed(self, shelf: Shelf, key: str) -> Item:
        return Item(key, key, len(shelf.items[key]), self.fingerprint(shelf, key))

    def fingerprint(self, shelf: Shelf, key: str) -> str:
        return hashlib.sha256(shelf.items[key]).hexdigest()

    def broken_off(self) -> None:
        raise ConnectionError("the second page can't be had")

    def fetch(self, item: Item) -> Fetched:
        shelf = self.shelf
        if item.handle not in shelf.items:
            raise FileNotFoundError(item.key)
        data = shelf.items[item.handle]
        return Fetched(lambda: io.BytesIO(data), hashlib.sha256(data).hexdigest())

    def cursor(self, item: Item) -> str | None:
        return None if item.key.startswith("a") else hashlib.md5(item.key.encode()).hexdigest()

    def probe(self) -> None:
        self.shelf  # noqa: B018 - raises where there is none


Listing = Iterator[Item]


class LosesTheLast(GoodSource):
    def keys(self, *arguments: Any) -> Sequence[str]:
        return super().keys(*arguments)[:-1]


class ListsInAnyOrder(GoodSource):
    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Listing:
        return iter([*super().list(after, until, since)][::-1])


class ListsOnce(GoodSource):
    used = False

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Listing:
        if self.used:
            return
        self.used = True
        yield from super().list(after, until, since)


class GoesOnWhereItWas(GoodSource):
    left: Listing | None = None

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Listing:
        self.left = self.left or super().list(after, until, since)
        yield from self.left
        self.left = None


class ExcludesUntil(GoodSource):
    def keys(self, shelf: Shelf, after: str, until: str | None, since: str | None) -> Sequence[str]:
        return [key for key in super().keys(shelf, after, until, since) if key != until]

    def item(self, key: str) -> Item | None:
        return next((item for item in self.list() if item.key == key), None)


class FindsTheNext(GoodSource):
    def item(self, key: str) -> Item | None:
        return next(self.list(after=key[:-1]), None)


class ListsPaths(GoodSource):
    def listed(self, shelf: Shelf, key: str) -> Item:
        return super().listed(shelf, key)._replace(key=f"/{key}")


class KeepsAConnection(GoodSource):
    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        self.connection = threading.Lock()


class ForgetsWhatHasNoCursor(GoodSource):
    def keys(self, shelf: Shelf, after: str, until: str | None, since: str | None) -> Sequence[str]:
        found = super().keys(shelf, after, until, since)
        return [key for key in found if since is None or self.cursor(Item(key)) is not None]


class SelectsNothing(GoodSource):
    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Listing:
        given, self.selection = self.selection, Selection(("*",), hidden=True, default_excludes=False)
        try:
            yield from super().list(after, until, since)
        finally:
            self.selection = given


class PrintsKeys(GoodSource):
    def listed(self, shelf: Shelf, key: str) -> Item:
        print("listed", key)
        return super().listed(shelf, key)


class CannotBeProbed(GoodSource):
    def probe(self) -> None:
        raise Broken("no probe")


class ClosesOnce(GoodSource):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise Broken("closed already")
        self.closed = True


class HasAnotherScheme(GoodSource):
    schemes = ("rack",)


class CutsShort(GoodSource):
    def fetch(self, item: Item) -> Fetched:
        fetched = super().fetch(item)
        return replace(fetched, open=lambda: io.BytesIO(whole(fetched)[:-1]))


def whole(fetched: Fetched) -> bytes:
    assert callable(fetched.open)
    return fetched.open().read()


class OpensOnce(GoodSource):
    def fetch(self, item: Item) -> Fetched:
        stream = io.BytesIO(whole(super().fetch(item)))
        return Fetched(lambda: stream)


class FetchesInOrder(GoodSource):
    last = ""

    def fetch(self, item: Item) -> Fetched:
        if item.key < self.last:
            raise Broken("not in order")
        self.last = item.key
        return super().fetch(item)


class KnowsWhatItListed(GoodSource):
    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        self.seen: set[str] = set()

    def listed(self, shelf: Shelf, key: str) -> Item:
        self.seen.add(key)
        return super().listed(shelf, key)

    def fetch(self, item: Item) -> Fetched:
        if item.key not in self.seen:
            raise Broken("what is this?")
        return super().fetch(item)


class SharesABuffer(GoodSource):
    """Reads what was fetched last, as with one connection for all."""

    current = b""

    def fetch(self, item: Item) -> Fetched:
        self.current = whole(super().fetch(item))
        shared = self

        class Shared(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                threading.Event().wait(0.01)
                at = self.tell()
                super().read(size)
                return shared.current[at : None if size is None or size < 0 else at + size]

        return Fetched(lambda: Shared(self.current))


class Fruit(TypedDict):
    id: str
    size: int


class GoodRecords(GoodSource):
    @property
    def record_type(self) -> RecordType | None:
        return RecordType.of(Fruit)

    def fetch(self, item: Item) -> Fetched:
        return Fetched([self.record(item, whole(super().fetch(item)))])

    def record(self, item: Item, data: bytes) -> Fruit:
        return {"id": item.key, "size": len(data)}


class HasOtherFields(GoodRecords):
    def record(self, item: Item, data: bytes) -> Fruit:
        return {"id": item.key, "weight": len(data)}  # type: ignore[typeddict-item]


class KeepsTheFingerprint(GoodSource):
    def fingerprint(self, shelf: Shelf, key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()


class BelievesTheList(GoodSource):
    def fetch(self, item: Item) -> Fetched:
        return replace(super().fetch(item), fingerprint="")


class GivesUpWhatIsGone(GoodSource):
    def fetch(self, item: Item) -> Fetched:
        try:
            return super().fetch(item)
        except FileNotFoundError:
            raise DocumentError(item.key, "it is gone") from None


class RemembersTheList(GoodSource):
    known: ClassVar[dict[str, set[str]]] = {}

    def keys(self, shelf: Shelf, *arguments: Any) -> Sequence[str]:
        known = self.known.setdefault(self.options.url.get_secret_value(), set())
        known.update(shelf.items)
        for gone in known - shelf.items.keys():
            shelf.items[gone] = b""
        return super().keys(shelf, *arguments)


class TakesKeysForURLs(GoodSource):
    def listed(self, shelf: Shelf, key: str) -> Item:
        return super().listed(shelf, key)._replace(key=unquote(key))


class SkipsEmptyOnes(GoodSource):
    def keys(self, shelf: Shelf, *arguments: Any) -> Sequence[str]:
        return [key for key in super().keys(shelf, *arguments) if shelf.items[key]]


class ListsTheFirstPage(GoodSource):
    def keys(self, *arguments: Any) -> Sequence[str]:
        return super().keys(*arguments)[:PAGE]


class EndsQuietly(GoodSource):
    def broken_off(self) -> None:
        pass


class IsEmptyWhenAway(GoodSource):
    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Listing:
        try:
            yield from super().list(after, until, since)
        except ConnectionError:
            return


class IsFinalWhenAway(GoodSource):
    def fetch(self, item: Item) -> Fetched:
        try:
            return super().fetch(item)
        except ConnectionError as error:
            raise DocumentError(item.key, str(error)) from None


class StaysBroken(GoodSource):
    gone = False

    @property
    def shelf(self) -> Shelf:
        try:
            if not self.gone:
                return super().shelf
        except ConnectionError:
            self.gone = True
        raise Broken("connection already closed")


class ShowsItsURL(GoodSource):
    def __repr__(self) -> str:
        return f"<ShowsItsURL {self.options.url.get_secret_value()}>"


class ComesFromItsURL(GoodSource):
    def origin(self) -> str:
        return self.options.url.get_secret_value()


class LogsItsURL(GoodSource):
    @property
    def shelf(self) -> Shelf:
        logging.getLogger("good").debug("opening %s", self.options.url.get_secret_value())
        return super().shelf


class _Tolerant(SourceOptions):
    model_config = ConfigDict(extra="ignore")


class IgnoresOptions(GoodSource):
    options_type = _Tolerant


SOURCES: dict[str, Callable[..., Any]] = {
    "every_item_is_listed": LosesTheLast,
    "each_key_is_listed_once_and_in_order": ListsInAnyOrder,
    "listing_again_gives_the_same": ListsOnce,
    "a_listing_that_is_left_early_does_no_harm": GoesOnWhereItWas,
    "a_listing_begins_behind_after_and_ends_with_until": ExcludesUntil,
    "an_item_is_found_by_its_key": FindsTheNext,
    "items_are_what_they_should_be": ListsPaths,
    "items_and_the_source_can_be_pickled": KeepsAConnection,
    "a_cursor_lists_what_changed_since_and_what_has_none": ForgetsWhatHasNoCursor,
    "a_source_that_selects_lists_only_what_is_selected": SelectsNothing,
    "nothing_is_written_to_stdout": PrintsKeys,
    "a_probe_of_an_input_that_is_there_says_nothing": CannotBeProbed,
    "closing_twice_does_no_harm": ClosesOnce,
    "the_source_says_what_it_is": HasAnotherScheme,
    "what_is_fetched_is_what_there_is": CutsShort,
    "what_is_fetched_may_be_opened_again": OpensOnce,
    "items_are_fetched_in_any_order_and_again": FetchesInOrder,
    "a_source_that_has_listed_nothing_fetches": KnowsWhatItListed,
    "items_may_be_fetched_at_the_same_time": SharesABuffer,
    "a_changed_item_has_another_fingerprint": KeepsTheFingerprint,
    "what_changed_behind_the_list_is_never_taken_for_what_was_listed": BelievesTheList,
    "an_item_that_is_gone_is_not_found": GivesUpWhatIsGone,
    "an_item_that_is_gone_is_not_listed": RemembersTheList,
    "an_odd_key_is_a_key_like_any_other": TakesKeysForURLs,
    "an_empty_item_is_an_item": SkipsEmptyOnes,
    "many_items_are_listed_in_order": ListsTheFirstPage,
    "a_listing_that_breaks_off_raises": EndsQuietly,
    "an_input_that_is_out_of_reach_raises": IsEmptyWhenAway,
    "an_item_that_is_out_of_reach_is_not_given_up": IsFinalWhenAway,
    "it_works_again_when_the_input_is_back": StaysBroken,
    "the_repr_shows_no_secret": ShowsItsURL,
    "the_origin_shows_no_secret": ComesFromItsURL,
    "an_error_shows_no_secret": LogsItsURL,
    "an_unknown_option_is_refused": IgnoresOptions,
}

RECORD_SOURCES: dict[str, Callable[..., Any]] = {"records_are_of_the_record_type": HasOtherFields}
