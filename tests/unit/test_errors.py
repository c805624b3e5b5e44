"""The tree of exceptions that errors.py draws is the one there is."""

from __future__ import annotations

import importlib
import pkgutil

import batchwright
from batchwright import errors
from batchwright.errors import BatchwrightError

TESTING = "batchwright.testing"  # needs pytest, and its fakes are no errors of ours


def drawing() -> list[str]:
    """The lines of the drawing below the root."""
    return [line for line in (errors.__doc__ or "").splitlines() if "── " in line]


def drawn() -> dict[str, str]:
    """The parent of each exception in the drawing, by name."""
    parents: dict[str, str] = {}
    path = ["BatchwrightError"]
    for line in drawing():
        stem, _, rest = line.partition("── ")
        depth = (len(stem) - 1) // 4 + 1
        name = rest.split()[0]
        parents[name] = path[depth - 1]
        path[depth:] = [name]
    return parents


def real() -> dict[str, str]:
    """The same of the classes, wherever in the package they are."""
    for module in pkgutil.walk_packages(batchwright.__path__, "batchwright."):
        if not module.name.startswith((TESTING, "batchwright.__main__")):
            importlib.import_module(module.name)
    parents: dict[str, str] = {}
    waiting: list[type[BatchwrightError]] = [BatchwrightError]
    while waiting:
        parent = waiting.pop()
        for child in parent.__subclasses__():
            if child.__module__.startswith("batchwright.") and not child.__module__.startswith(TESTING):
                parents[child.__name__] = parent.__name__
                waiting.append(child)
    return parents


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn() == real()


def test_every_exception_is_public_unless_the_drawing_says_otherwise() -> None:
    private = {line.split("── ")[1].split()[0] for line in drawing() if "private:" in line}
    assert drawn().keys() - private == drawn().keys() & set(batchwright.__all__)
    assert not private & set(batchwright.__all__)
