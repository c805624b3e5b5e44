"""What searches by vectors have in common."""

from __future__ import annotations

from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.vectors import Vector
from batchwright.errors import SinkError

FEW = 10_000
"""Rows that meet the conditions of a search, up to which each of them is looked at."""

NO_MODEL = (
    "no vectors are in use here: load with an embedder first (embedder in the settings), or search by text"
)

_CHARACTERS = 240  # of an excerpt


def checked(vector: Vector, model: EmbeddingModel) -> None:
    """Check that a vector has the numbers of a model.

    Raises:
        SinkError: It has not.
    """
    if len(vector) != 4 * model.dimensions:
        raise SinkError(
            f"what is searched for has {len(vector) // 4} numbers, and vectors of {model.name} have "
            f"{model.dimensions}: search with the embedder that loaded them"
        )


def beginning(text: str) -> str:
    """Return the excerpt of a text in which no words were looked for."""
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS].rstrip()}…"
