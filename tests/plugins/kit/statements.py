"""Makes the n-th moment of a write fail, where a write is a sequence of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class StatementFailed(Exception):
    """The connection broke before a statement, or its reply was lost."""


class Statements:
    """Before each statement is a moment, and after it; the one that is chosen fails."""

    def __init__(self) -> None:
        self._count = 0
        self._failing = 0

    @contextmanager
    def failing(self, step: int) -> Iterator[None]:
        self._count, self._failing = 0, step
        try:
            yield
        finally:
            self._failing = 0

    def watch(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method that executes a statement, with the moments around it."""

        def execute(connection: Any, statement: Any, *args: Any, **options: Any) -> Any:
            if str(statement).startswith(("ROLLBACK", "PRAGMA")):
                return function(connection, statement, *args, **options)
            self._moment("before", statement)
            result = function(connection, statement, *args, **options)
            self._moment("after", statement)
            return result

        return execute

    def _moment(self, when: str, statement: Any) -> None:
        self._count += 1
        if self._count == self._failing:
            raise StatementFailed(f"{when} {statement!r:.60}")
