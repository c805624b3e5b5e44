"""Fixtures that a contract can do without."""

from __future__ import annotations

from typing import TypeVar

import pytest

Fixture = TypeVar("Fixture")


def supplied(fixture: Fixture | None, name: str) -> Fixture:
    """Return a fixture; the check is skipped where it isn't supplied."""
    if fixture is None:
        pytest.skip(f"the fixture `{name}` is not supplied")
    return fixture
