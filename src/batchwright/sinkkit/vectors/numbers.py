"""numpy, which only those need who search vectors in a database that can't compare them itself."""

from __future__ import annotations

from functools import cache
from typing import Any

from batchwright.errors import SinkError


@cache
def numpy() -> Any:
    """Return the module.

    Raises:
        SinkError: It isn't installed; says how to do that.
    """
    try:
        import numpy
    except ImportError as error:
        raise SinkError("searching vectors here needs numpy: pip install 'batchwright[vectors]'") from error
    return numpy
