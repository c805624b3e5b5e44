"""What counts as a whole number where a plugin says one."""

from __future__ import annotations

from typing import Any

import pytest

from batchwright import SinkLimits
from batchwright.errors import PluginError
from batchwright.plugins.limits import sound, whole


class Index:
    """A whole number of another library, such as numpy's."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __index__(self) -> int:
        return self._number


@pytest.mark.parametrize(("value", "least", "number"), [(1, 1, 1), (0, 0, 0), (Index(3), 1, 3)])
def test_a_whole_number_is_one_whatever_its_class(value: Any, least: int, number: int) -> None:
    assert whole(value, least) == number


@pytest.mark.parametrize("value", [True, False, 0, -1, 1.0, "1", None, Index(0)])
def test_anything_else_and_what_is_less_is_none(value: Any) -> None:
    assert whole(value) is None
    with pytest.raises(PluginError, match="the sink 'kb' has the limit writers = "):
        sound("the sink 'kb'", SinkLimits(writers=value), SinkLimits)
