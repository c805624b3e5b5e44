"""The way to the vectors that a target keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from batchwright.contracts.sink import Store
from batchwright.contracts.vectors import Vectors
from batchwright.engine.store.client import StoreClient
from batchwright.errors import SinkError

Value = TypeVar("Value")


def ask_vectors(
    client: StoreClient,
    question: Callable[[Vectors], Value],
    *,
    patiently: bool = True,
    lasting: bool = False,
) -> Value:
    """Return what the question to the vectors returns, or have them changed.

    Args:
        client: The way to the store.
        question: What to ask.
        patiently: As for `StoreClient.read`.
        lasting: Likewise.

    Raises:
        SinkError: The target keeps no vectors; or as `StoreClient.read`, which raises its other errors too.
    """
    return client.read(lambda store: question(vectors_of(store)), patiently=patiently, lasting=lasting)


def vectors_of(store: Store) -> Vectors:
    """Return the vectors of a store.

    Raises:
        SinkError: It keeps none.
    """
    if store.vectors is None:
        raise SinkError("the target keeps no vectors")
    return store.vectors
