"""The view that LangChain reads, where the tables change under it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from batchwright import Batch, Receipt, RecordType
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.contracts.rows import Row
from batchwright.contracts.vectors import Embedded
from batchwright.testing.embedded import MODEL, key_of, put, vectors_of
from batchwright.testing.kinds import KINDS, LATER, publications, row_of, usual
from tests.integration.postgres.examples import query, sink_at

_WIDER = replace(
    KINDS,
    fields=tuple(
        replace(field, type="decimal") if field.name == "order" else field for field in KINDS.fields
    ),
)


def _store(store: PostgresStore, row: Row, kind: RecordType) -> None:
    put(vectors_of(store), ["about walruses"])
    written = Receipt(
        row.id,
        "run",
        "docs",
        publications=publications([row], kind),
        embedded=Embedded(MODEL.identity, (key_of("about walruses"),)),
    )
    store.write(Batch([row], 0), written)
    assert vectors_of(store).use(MODEL) == []


@pytest.mark.parametrize("kind", [LATER, _WIDER], ids=["another field", "a wider field"])
def test_the_view_shows_what_the_tables_have_by_now_and_keeps_its_rights(
    postgres_url: str, kind: RecordType
) -> None:
    with sink_at(postgres_url).open(KINDS) as old:
        _store(old, row_of({**usual("a"), "any_text": "about walruses"}), KINDS)
    query(postgres_url, "ALTER VIEW kinds_langchain SET (security_invoker = true)")
    query(postgres_url, "GRANT SELECT ON kinds_langchain TO PUBLIC")
    more = {"later": 1} if kind is LATER else {"order": Decimal("1.5")}
    with sink_at(postgres_url).open(kind) as new:
        _store(new, row_of({**usual("b"), "any_text": "about walruses", **more}, kind), kind)
    [name] = more
    found = query(postgres_url, f'SELECT content, "{name}" FROM kinds_langchain WHERE id = %s', "b")
    assert found == [("about walruses", more[name])]
    query_of_view = (
        "SELECT reloptions, array_to_string(relacl, ' ') LIKE '%%=r/%%' FROM pg_class WHERE relname = %s"
    )
    assert query(postgres_url, query_of_view, "kinds_langchain") == [(["security_invoker=true"], True)]
