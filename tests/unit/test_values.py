"""Dataclasses of `batchwright.values` behave as those of the standard library."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from dataclasses import dataclass as standard
from functools import cached_property
from typing import Any, Generic, TypeVar, get_type_hints

import pytest

from batchwright.values import dataclass as quick

T = TypeVar("T")


def classes(dataclass: Any) -> tuple[type[Any], ...]:
    """Return the same classes, made by either of the two."""

    @dataclass(frozen=True, slots=True)
    class Root:
        """Without fields."""

    @dataclass(frozen=True, slots=True)
    class Point:
        """With defaults of both kinds, and fields that are not compared, not shown, not given."""

        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list)
        note: str = field(default="", compare=False)
        hidden: str = field(default="", repr=False)
        total: int = field(default=0, init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "total", self.x + self.y)

    @dataclass(frozen=True, slots=True)
    class Deep(Point):
        """Derived from one with fields, with more."""

        z: int = 3

    @dataclass(slots=True)
    class Box(Generic[T]):
        """Not frozen, generic, with a field that is set later, and one that is made."""

        value: T
        later: int = field(init=False)
        made: dict[str, int] = field(default_factory=dict, init=False)

    @dataclass(slots=True, eq=False, repr=False)
    class Thing:
        """With methods of its own."""

        name: str

        def __repr__(self) -> str:
            return f"<{self.name}>"

    return Root, Point, Deep, Box, Thing


Root, Point, Deep, Box, Thing = classes(quick)
for _kind in (Root, Point, Deep, Box, Thing):  # so that pickle finds them
    _kind.__qualname__ = _kind.__name__

SAME: dict[str, Callable[[Any, Any, Any, Any, Any], Any]] = {
    "repr": lambda root, point, deep, box, thing: [
        repr(value).replace("classes.<locals>.", "")
        for value in (root(), point(1, 5, ["a"], "b", "c"), deep(1), thing("n"))
    ],
    "equal": lambda root, point, deep, box, thing: [
        [point(1) == other for other in (point(1), point(2), point(1, note="a"), deep(1), 1)],
        [root() == root(), root() == 1, box(1) is None, thing("a") == thing("a")],
    ],
    "hash": lambda root, point, deep, box, thing: [
        hash(point(1, tags=())) == hash(point(1, tags=(), note="a")),
        hash(root()) == hash(root()),
        box.__hash__,
        thing.__hash__ is object.__hash__,
    ],
    "fields": lambda root, point, deep, box, thing: [
        [(f.name, f.type, f.init) for f in fields(kind)] for kind in (root, point, deep, box, thing)
    ],
    "signature": lambda root, point, deep, box, thing: [
        [(p.name, p.annotation, p.kind) for p in inspect.signature(kind).parameters.values()]
        for kind in (root, point, deep, box, thing)
    ],
    "match": lambda root, point, deep, box, thing: [point.__match_args__, deep.__match_args__],
    "slots": lambda root, point, deep, box, thing: [kind.__slots__ for kind in (root, point, deep, box)],
    "made": lambda root, point, deep, box, thing: [
        point(1).total,
        point(1).tags is point(1).tags,
        hasattr(box(1), "later"),
        box(1).made,
        replace(deep(1), z=5).z,
    ],
}


@pytest.mark.parametrize("same", SAME.values(), ids=list(SAME))
def test_it_is_as_in_the_standard_library(same: Callable[..., Any]) -> None:
    assert same(*classes(quick)) == same(*classes(standard))


def test_a_frozen_one_never_changes() -> None:
    for value, name in ((Point(1), "x"), (Point(1), "new"), (Deep(1), "x")):
        with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
            setattr(value, name, 1)
        with pytest.raises(FrozenInstanceError, match="cannot delete field 'y'"):
            del value.y
    box = Box(1)
    box.value = 2
    assert box.value == 2


def test_it_is_a_dataclass_from_which_the_standard_library_derives() -> None:
    @standard(frozen=True, slots=True)
    class More(Point):  # type: ignore[misc, valid-type]
        more: int = 4

    assert (More(1).more, More(1).total) == (4, 3)
    assert all(map(is_dataclass, (Root, Point, Deep, Box, Thing)))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_it_can_be_copied_and_pickled(again: Callable[[Any], Any]) -> None:
    for value in (Root(), Point(1, note="n"), Deep(1, tags=["a"])):
        assert repr(again(value)) == repr(value)
        assert again(value) == value


def test_what_is_missing_is_named() -> None:
    with pytest.raises(TypeError, match=r"Point\.__init__\(\) missing 1 required positional argument: 'x'"):
        Point()
    assert get_type_hints(Point.__init__)["y"] is int


def test_one_that_contains_itself_is_shown() -> None:
    box = Box(None)
    box.value, box.later = box, 1
    assert repr(box) == "Box(value=..., later=1, made={})"


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("dataclass", [quick, standard])
def test_without_slots_there_is_room_for_what_is_computed_once(dataclass: Any, frozen: bool) -> None:
    @dataclass(frozen=frozen)
    class Named:
        first: str
        last: str = "none"
        tags: tuple[str, ...] = field(default_factory=tuple)

        @cached_property
        def whole(self) -> str:
            return f"{self.first} {self.last}"

    made = Named("a", tags=("b",))
    assert (made.whole, made.whole, Named.last) == ("a none", "a none", "none")
    assert made == Named("a", "none", ("b",))
    assert made != Named("a")
    assert repr(made).endswith("Named(first='a', last='none', tags=('b',))")
    assert copy.copy(made) == replace(made) == made
    if frozen:
        assert hash(made) == hash(replace(made))
        with pytest.raises(FrozenInstanceError):
            made.first = "c"
    else:
        made.first = "c"
        assert made != Named("a", "none", ("b",))


def test_two_threads_may_make_the_first_instance_at_once() -> None:
    @quick(frozen=True)
    class Pair:
        left: int
        right: int = 2

    waiting = vars(Pair)["__init__"]  # what a thread holds that was paused before it compiles
    assert Pair(1).right == 2
    late = object.__new__(Pair)
    waiting.__get__(late, Pair)(3)
    assert late == Pair(3)
