"""How often a write begins anew: for rows of others a few times, for another way to make it as well."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import errors

from batchwright.builtin.postgres.store import PostgresStore
from tests.integration.postgres.examples import chunks_of, publish, store_at, texts, version, write

MOST = 5


class _Refused(errors.UniqueViolation):
    """Another writer's row, as the server would say."""

    @property
    def diag(self) -> Any:
        return SimpleNamespace(table_name="knowledge_base_records", severity_nonlocalized="ERROR")


def _scripted(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, script: list[type[psycopg.Error]]
) -> list[int]:
    """Have writes raise these errors first, one each; return a list that grows with each."""
    original, calls = store._writing.write, list[int]()

    def scripted(*arguments: Any, **options: Any) -> None:
        calls.append(len(calls))
        if len(calls) <= len(script):
            raise script[len(calls) - 1]()
        original(*arguments, **options)

    monkeypatch.setattr(store._writing, "write", scripted)
    return calls


@pytest.mark.parametrize("lacking", [errors.UndefinedFunction, errors.FeatureNotSupported])
def test_what_is_lacking_at_the_last_attempt_costs_none(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, lacking: type[psycopg.Error]
) -> None:
    """After as many rows of others as it takes at most, a write that is made in another way is made."""
    with store_at(postgres_url) as store:
        publish(store, version("a.md"))  # so that there are functions
        calls = _scripted(store, monkeypatch, [*[_Refused] * (MOST - 1), lacking])
        publish(store, version("b.md"))
    assert len(calls) == MOST + 1
    assert len(texts(postgres_url)) == 6


def test_rows_of_others_are_met_so_often_and_no_more(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store_at(postgres_url) as store:
        calls = _scripted(store, monkeypatch, [_Refused] * (MOST + 1))
        with pytest.raises(_Refused):
            write(store, chunks_of(version()), begun=(version(),))
    assert len(calls) == MOST
