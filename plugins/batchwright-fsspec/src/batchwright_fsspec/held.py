"""A connection that is opened when it is first needed, once in each process."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Held(Generic[T]):
    """What `make` returns, made when it is first asked for. Safe for threads, forks and pickling.

    Args:
        make: Makes it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: T | None = None
        _ALL.add(self)

    def get(self) -> T:
        """Return it."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def taken(self) -> T | None:
        """Return it if it was made, for closing; it is made anew when it is asked for again."""
        with self._lock:
            made, self._made = self._made, None
            return made

    def forget(self) -> None:
        """Leave what the parent process made to it: its sockets and its event loop are not ours to close."""
        if self._made is not None:
            _INHERITED.append(self._made)
        self._lock, self._made = threading.Lock(), None

    def __reduce__(self) -> tuple[type[Held[T]], tuple[Callable[[], T]]]:
        return Held, (self._make,)


_ALL: weakref.WeakSet[Held[Any]] = weakref.WeakSet()
_INHERITED: list[Any] = []
"""Kept for good, since they would be closed when they are collected."""


def _after_fork() -> None:
    for held in list(_ALL):
        held.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
