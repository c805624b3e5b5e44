"""Vectors of a real encoder for every passage and question: made once, by `make_vectors`.

`vectors.bin` is compressed with zlib. It holds, sorted, the SHA-256 of each text and its vector in whole
numbers from -127 to 127: half the size of float16, and cosines that are the same to the third decimal.
"""

from __future__ import annotations

import math
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from itertools import chain
from operator import mul

from tests.benchmarks.retrieval.corpus import HERE, Place, passages
from tests.benchmarks.retrieval.questions import question_sets

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384
FILE = HERE / "vectors.bin"
_DIGEST = 32
_MOST = 127

Vector = Sequence[float]


class MissingVectorError(LookupError):
    """A text has no vector: the documents, the questions or the way they are cut have changed."""


def texts() -> list[str]:
    """Return every text that needs a vector, each once."""
    questions = chain.from_iterable(question_sets().values())
    return list(
        dict.fromkeys(
            chain((passage.embedded for passage in passages()), (question.text for question in questions))
        )
    )


def digest(text: str) -> bytes:
    """Return the key of a text."""
    return sha256(text.encode()).digest()


def packed(vectors: Mapping[str, Vector]) -> bytes:
    """Return what the file holds for the vectors of some texts."""
    whole = sorted((digest(text), _rounded(vector)) for text, vector in vectors.items())
    return zlib.compress(b"".join(key + value for key, value in whole), 9)


@cache
def stored() -> Mapping[bytes, Vector]:
    """Return the vectors of the file, of length 1, by key."""
    return unpacked(FILE.read_bytes())


def unpacked(content: bytes) -> dict[bytes, Vector]:
    """Return the vectors of a file's content, of length 1, by key."""
    data = zlib.decompress(content)
    size = _DIGEST + DIMENSIONS
    return {
        data[start : start + _DIGEST]: _unit(array("b", data[start + _DIGEST : start + size]))
        for start in range(0, len(data), size)
    }


def vector_of(text: str) -> Vector:
    """Return the vector of a text.

    Raises:
        MissingVectorError: It has none.
    """
    try:
        return stored()[digest(text)]
    except KeyError:
        raise MissingVectorError(
            f"no vector for {text[:60]!r}; make them again: python -m tests.benchmarks.retrieval.make_vectors"
        ) from None


def nearest(vector: Vector, limit: int) -> list[tuple[Place, float]]:
    """Return the passages that are nearest by cosine, with it; the best first, all others compared."""
    scores = [(place, sum(map(mul, vector, other))) for place, other in _of_passages()]
    scores.sort(key=lambda entry: (-entry[1], entry[0]))
    return scores[:limit]


@cache
def _of_passages() -> tuple[tuple[Place, Vector], ...]:
    return tuple((passage.place, vector_of(passage.embedded)) for passage in passages())


def _rounded(vector: Vector) -> bytes:
    largest = max(map(abs, vector))
    return array("b", [round(value * _MOST / largest) for value in vector]).tobytes()


def _unit(vector: Iterable[float]) -> Vector:
    values = array("f", vector)
    length = math.sqrt(sum(map(mul, values, values)))
    return array("f", [value / length for value in values])
