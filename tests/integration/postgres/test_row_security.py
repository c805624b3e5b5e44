"""Row-level security as the how-to has it: a role sees its collections, in the view and in every search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from batchwright import SinkError
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.testing.embedded import MODEL, embedded, put, searched, vector_of, vectors_of
from batchwright.testing.records import batch, receipt, sample
from tests.integration.postgres.examples import query, sink_at
from tests.integration.postgres.opening import role

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "row-level-security.md"
VISIBLE = "SELECT DISTINCT collection FROM knowledge_base"


def _statements() -> str:
    """The statements of the page that are not about roles of its own."""
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    made = re.compile("POLICY|security_invoker|CREATE TABLE")
    return "\n".join(block for block in blocks if made.search(block) and "kb_loader" not in block)


@pytest.fixture
def reader_url(postgres_url: str) -> Iterator[str]:
    """A role that may read the collection `sales`, beside `staff`, which holds what is nearer."""
    staff = sample("a.md", [f"secret {number}" for number in range(200)], collection="staff")
    sales = sample("b.md", [f"open {number}" for number in range(20)], collection="sales")
    both = sample("c.md", ["in both"], collection="staff"), sample("c.md", ["in both"], collection="sales")
    with sink_at(postgres_url).open() as store:
        vectors = vectors_of(store)
        for name, one in (("staff", staff), ("sales", sales), ("staff", both[0]), ("sales", both[1])):
            put(vectors, [chunk.chunk_text for chunk in one.chunks])
            written = receipt(
                len(one.chunks),
                collection=name,
                publications=(one.publication(),),
                embedded=embedded(one),
            )
            store.write(batch(one.chunks), written)
        assert vectors.use(MODEL) == []
    suffixes = (
        "",
        "_langchain",
        "_meta",
        "_records",
        "_documents",
        "_collections",
        "_models",
        "_vectors",
        "_terms",
    )
    readable = ", ".join(f"knowledge_base{suffix}" for suffix in suffixes)
    grants = "GRANT USAGE ON SCHEMA public TO ROLE", f"GRANT SELECT ON {readable} TO ROLE"
    with role(postgres_url, *grants) as url:
        with psycopg.connect(postgres_url, autocommit=True) as owner:
            found = re.search(r"//(\w+):", url)
            assert found
            owner.execute("DROP TABLE IF EXISTS kb_readers")
            owner.execute(_statements().replace("kb.", "").encode())
            owner.execute("INSERT INTO kb_readers VALUES (%s, 'sales')", [found[1]])
            owner.execute(f"GRANT SELECT ON kb_readers TO {found[1]}".encode())
        yield url


def test_a_role_reads_its_collections_only(reader_url: str, postgres_url: str) -> None:
    assert query(reader_url, VISIBLE) == [("sales",)]
    assert query(reader_url, "SELECT DISTINCT collection FROM knowledge_base_langchain") == [("sales",)]
    assert query(reader_url, "SELECT count(*) FROM knowledge_base_records") == [(21,)]
    assert query(reader_url, "SELECT count(*) FROM knowledge_base_vectors") == [(21,)]
    assert len(query(postgres_url, VISIBLE)) == 2, "the owner sees all"


def test_a_role_finds_what_it_may_read_and_as_much_as_it_asks_for(reader_url: str) -> None:
    with sink_at(reader_url).open(create=False) as reader:
        for mode in ("vector", "hybrid"):
            hits = searched(reader, vector_of("secret 7"), 10, mode=mode, text="secret")
            assert len(hits) == 10, mode
            assert {hit.collection for hit in hits} == {"sales"}, mode
        assert searched(reader, vector_of("secret 7"), 10, where={"source_file": "a.md"}) == []
        assert searched(reader, None, mode="text", text="secret") == []
        assert [hit.collection for hit in searched(reader, vector_of("in both"), 1)] == ["sales"]
        assert isinstance(reader, PostgresStore)


@pytest.fixture
def loader_url(postgres_url: str) -> Iterator[str]:
    """A role that loads, and isn't the owner; rows are protected."""
    with sink_at(postgres_url).open():
        pass
    grants = (
        "GRANT USAGE ON SCHEMA public TO ROLE",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ROLE",
    )
    with role(postgres_url, *grants) as url, psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE knowledge_base_records ENABLE ROW LEVEL SECURITY")
        yield url


def test_a_role_with_a_policy_loads_batches_of_any_size(loader_url: str, postgres_url: str) -> None:
    """The server refuses COPY where row-level security applies."""
    query(postgres_url, "CREATE POLICY loader ON knowledge_base_records USING (true) WITH CHECK (true)")
    first, second = (sample(name, [f"{name} {number}" for number in range(300)]) for name in ("a.md", "b.md"))
    with sink_at(loader_url).open(create=False) as store:
        for number, one in enumerate((first, second)):
            written = receipt(300, batch_id=f"run/{number}", publications=(one.publication(),))
            store.write(batch(one.chunks), written)
    assert query(postgres_url, "SELECT count(*) FROM knowledge_base") == [(600,)]


def test_a_role_without_a_policy_is_told_of_policies_and_not_of_privileges(loader_url: str) -> None:
    one = sample("a.md", ["fruit"])
    with (
        sink_at(loader_url).open(create=False) as store,
        pytest.raises(
            SinkError, match=r"row-level security .*: let the owner give .+ a policy for it"
        ) as said,
    ):
        store.write(batch(one.chunks), receipt(1, publications=(one.publication(),)))
    assert "GRANT" not in str(said.value)


def test_a_role_that_no_policy_shows_the_meta_table_is_told_so(postgres_url: str) -> None:
    with sink_at(postgres_url).open():
        pass
    query(postgres_url, "ALTER TABLE knowledge_base_meta ENABLE ROW LEVEL SECURITY")
    told = pytest.raises(SinkError, match=r"shows this role no row: .*row-level security hides them")
    with role(postgres_url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE") as url, told:
        sink_at(url).open(create=False)
