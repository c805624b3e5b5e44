"""Vectors that are made of a text alone, the same on every machine."""

from __future__ import annotations

import hashlib
import math
import struct
from array import array
from collections.abc import Sequence
from operator import add
from typing import Literal


def vector_of(
    text: str, dimensions: int, salt: str = "", kind: Literal["hash", "words"] = "hash"
) -> list[float]:
    """Return the vector that the server gives a text: of length 1, in numbers that 32 bits hold exactly.

    Args:
        text: The text as it was sent.
        dimensions: Numbers of the vector.
        salt: Of the server.
        kind: Of the server's vectors.
    """
    if kind == "hash":
        return hashed(text, dimensions, salt)
    total = [0.0] * dimensions
    for word in sorted(set(text.casefold().split())):
        total = list(map(add, total, hashed(word, dimensions, salt)))
    return _unit(total) if any(total) else hashed("", dimensions, salt)


def hashed(text: str, dimensions: int, salt: str = "") -> list[float]:
    """Return a vector that depends on each character of the text, and is near to no other."""
    seed = f"{salt}\0{text}".encode("utf-8", "surrogatepass")
    return _unit(struct.unpack(f"<{dimensions}h", hashlib.shake_256(seed).digest(2 * dimensions)))


def _unit(numbers: Sequence[float]) -> list[float]:
    length = math.sqrt(math.fsum(number * number for number in numbers)) or 1.0
    return array("f", [number / length for number in numbers]).tolist()
