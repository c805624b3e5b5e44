"""What goes through the stage: records that go on together, and the texts that they wait for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from batchwright.contracts.vectors import Key, Vector, Without, packed
from batchwright.engine.embedding.texts import key_of
from batchwright.errors import TextRefused


@dataclass(slots=True, eq=False)
class Unit:
    """Records that go on together, once each has its vector or a reason to have none.

    Attributes:
        model: The model, by its identity; empty where it was down before the store ever knew it.
        keys: Of each record, the key of its vector, or why it has none.
        text: Returns the text of the record at a position.
        weight: Bytes that it takes while it waits, about.
        made: Whether its vector was made for this record, by position.
        refusals: Why a text is refused, by position.
        left: Texts that it waits for.
    """

    model: str
    keys: list[Key | Without]
    text: Callable[[int], str]
    weight: int
    made: bytearray
    refusals: dict[int, TextRefused] = field(default_factory=dict)
    left: int = 0

    @classmethod
    def of(cls, model: str, records: int, text: Callable[[int], str], weight: int) -> Unit:
        """Return the unit of so many records."""
        texts = map(text, range(records))
        keys: list[Key | Without] = [key_of(one) if one else "no_text" for one in texts]
        return cls(model, keys, text, weight, bytearray(records))

    def wanted(self) -> Iterator[tuple[int, Key]]:
        """Yield the position and the key of each record that has one."""
        for position, key in enumerate(self.keys):
            if isinstance(key, bytes):
                yield position, key

    def without(self, positions: Collection[int]) -> Unit:
        """Return the unit of the records that are not at these positions."""
        kept = [place for place in range(len(self.keys)) if place not in positions]
        keys, made = [self.keys[place] for place in kept], bytearray(self.made[place] for place in kept)
        return Unit(self.model, keys, lambda place: self.text(kept[place]), self.weight, made)

    def count(self, start: int, stop: int) -> dict[str, int]:
        """Count these records by how they come by their vectors, as `VectorAccount` calls it."""
        counts: dict[str, int] = {}
        for key, made in zip(self.keys[start:stop], self.made[start:stop], strict=True):
            name = key if isinstance(key, str) else "made" if made else "reused"
            counts[name] = counts.get(name, 0) + 1
        return counts


@dataclass(slots=True, eq=False)
class Wanted:
    """A text without a vector, and who waits for it.

    Attributes:
        key: Its key.
        parts: What is sent of it: one text, or several where it is too long and their mean is wanted.
        tokens: Of each part.
        places: The records that have it: the unit and the position in it. The first had it made.
        vectors: Those of the parts that came back.
        refusal: Why it is refused.
        is_cut: Whether it is too long, and so is sent cut, or in parts.
    """

    key: Key
    parts: tuple[str, ...]
    tokens: tuple[int, ...]
    places: list[tuple[Unit, int]]
    vectors: dict[int, Vector] = field(default_factory=dict)
    refusal: TextRefused | None = None
    is_cut: bool = False

    def vector(self, dimensions: int) -> Vector:
        """Return its vector, now that those of all parts are there."""
        if len(self.parts) == 1:
            return self.vectors[0]
        numbers = [memoryview(vector).cast("f") for vector in self.vectors.values()]
        return packed([sum(column) / len(numbers) for column in zip(*numbers, strict=True)], dimensions)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, which one request holds."""

    wanted: Wanted
    part: int

    @property
    def text(self) -> str:
        """What is sent."""
        return self.wanted.parts[self.part]

    @property
    def tokens(self) -> int:
        """Its tokens, about."""
        return self.wanted.tokens[self.part]
