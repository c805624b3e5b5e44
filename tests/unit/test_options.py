"""Options in the target's URL."""

from __future__ import annotations

import pytest

from batchwright import ConfigError
from batchwright.builtin.postgres import PostgresOptions
from batchwright.plugins.options import split_options


def test_what_is_the_drivers_is_handed_on_as_it_was_written() -> None:
    url = "postgresql://u@h/db?options=-c%20geqo%3Doff&table=my%20docs&x=a+b"
    assert split_options(url, PostgresOptions, "to") == (
        "postgresql://u@h/db?options=-c%20geqo%3Doff&x=a+b",
        {"table": "my docs"},
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://h/db?table=a\nb", "a line end or a tab"),
        ("postgresql://h/db?table=a&table=b", "the URL says table twice; leave one out"),
        ("postgresql://h/db?table=a#b", "options end at its '#'; write %23"),
    ],
)
def test_what_would_be_read_as_something_else_is_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        split_options(url, PostgresOptions, "to")


def test_what_is_written_as_it_must_be_is_read() -> None:
    url = "postgresql://h/db?table=a%23b%0Ac"
    assert split_options(url, PostgresOptions, "to") == ("postgresql://h/db", {"table": "a#b\nc"})
