"""What a classifier can learn from a failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from batchwright import Failure


def error_with(**attributes: Any) -> Exception:
    error = Exception("failed")
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize("name", ["sqlstate", "pgcode"])
def test_the_sqlstate_is_found_under_its_names(name: str) -> None:
    assert Failure(error_with(**{name: "40001"})).sqlstate == "40001"


@pytest.mark.parametrize(
    "error",
    [
        error_with(status_code=503),
        error_with(status=503),
        error_with(response=SimpleNamespace(status_code=503)),
    ],
)
def test_the_http_status_is_found_where_libraries_put_it(error: Exception) -> None:
    assert Failure(error).http_status == 503


@pytest.mark.parametrize("value", ["503", 0, 4711, None])
def test_what_is_no_http_status_is_not_taken_for_one(value: object) -> None:
    assert Failure(error_with(status=value)).http_status is None


def test_the_chain_goes_through_causes_contexts_and_wrapped_errors() -> None:
    innermost = error_with(sqlstate="57014")
    middle = error_with(orig=innermost)
    outer = RuntimeError("outer")
    outer.__context__ = middle
    assert Failure(outer).chain == (outer, middle, innermost)
    assert Failure(outer).sqlstate == "57014"
    assert Failure(ValueError()).sqlstate is None
