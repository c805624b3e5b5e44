"""Options in the target's URL."""

from __future__ import annotations

from batchwright.builtin.postgres import PostgresOptions
from batchwright.plugins.options import split_options


def test_what_is_the_drivers_is_handed_on_as_it_was_written() -> None:
    url = "postgresql://u@h/db?options=-c%20geqo%3Doff&table=my%20docs&x=a+b"
    assert split_options(url, PostgresOptions, "to") == (
        "postgresql://u@h/db?options=-c%20geqo%3Doff&x=a+b",
        {"table": "my docs"},
    )
