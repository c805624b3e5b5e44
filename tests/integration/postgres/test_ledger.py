"""The ledger in the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from batchwright.builtin.postgres.store import PostgresStore
from batchwright.contracts.receipts import Publication, RejectFilter, Run
from batchwright.model import Batch
from tests.integration.postgres.examples import (
    chunks_of,
    publish,
    query,
    receipt,
    reject,
    store_at,
    version,
    write,
)


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresStore]:
    with store_at(postgres_url) as store:
        yield store


def test_runs_come_back_newest_first(store: PostgresStore) -> None:
    runs = [
        Run(f"run {number}", f"2026-01-0{number}T00:00:00+00:00", "docs", "/docs") for number in (1, 3, 2)
    ]
    for run in runs:
        store.ledger.start_run(run)
        store.ledger.start_run(run)
    done = dataclasses.replace(
        runs[0],
        state="done",
        finished_at="2026-01-01T00:00:01.5Z",
        account={"records": {"written": 1}, "seconds": 0.1},
    )
    store.ledger.finish_run(done)
    assert store.ledger.runs() == [runs[1], runs[2], done]
    assert store.ledger.runs(limit=1) == [runs[1]]


def test_documents_come_in_code_point_order_by_pages(store: PostgresStore) -> None:
    names = [
        "Z.md",
        "a.md",
        "a/b.md",
        "a b.md",
        "ä.md",
        "é/x.md",
        "~.md",
        "\uffee.md",
        "\U0001f600.md",
        "A%_.md",
    ]
    for name in names:
        publish(store, version(name))
    found: list[str] = []
    while page := store.ledger.documents("docs", after=found[-1] if found else "", limit=3):
        assert len(page) <= 3
        found += [known.version.key for known in page]
    assert found == sorted(names)


def test_one_document_is_found_by_its_key(store: PostgresStore) -> None:
    publish(store, version())
    known = store.ledger.document("docs", "a.md")
    assert known is not None
    assert known.version == version()
    assert store.ledger.document("docs", "b.md") is None


def test_a_document_comes_back_as_it_was_published(store: PostgresStore) -> None:
    first, second = version(content="1"), version(content="2", chunks=4)
    publish(store, first)
    write(
        store,
        chunks_of(second)[1:],
        publications=(Publication(second, rejected=1),),
    )
    (known,) = store.ledger.documents("docs")
    assert (known.version, known.rejected) == (second, 1)
    assert known.published_at.endswith("+00:00")


def test_deleting_spares_a_document_that_has_another_version_by_now(store: PostgresStore) -> None:
    first, second = version(content="1"), version(content="2")
    publish(store, second)
    write(store, deleted=(("a.md", first.document_id),))
    assert [known.version for known in store.ledger.documents("docs")] == [second]


def test_rejects_come_back_exactly_even_with_what_postgres_refuses(store: PostgresStore) -> None:
    chunk = dataclasses.replace(
        chunks_of(version())[0],
        chunk_text="a\0b\ud800 \\u0000 \U0001f600",
        metadata={"x\0": ["\udfff", None, 1.5]},
    )
    made = reject(chunk)
    write(store, rejects=(made,))
    assert store.ledger.rejects() == [made]
    odd = reject(None, id="odd", message="NUL \0 and \ud800", key="caf\udce9.md")
    write(store, rejects=(odd,))
    (found,) = store.ledger.rejects(RejectFilter(ids=["odd"]))
    assert found == odd


def test_the_same_reject_again_replaces_it(store: PostgresStore) -> None:
    first = reject(chunks_of(version())[0])
    again = dataclasses.replace(first, run_id="later", attempts=5, message="still")
    write(store, rejects=(first,))
    write(store, rejects=(first, again))
    assert store.ledger.rejects() == [again]


def test_rejects_are_found_by_what_is_asked(store: PostgresStore) -> None:
    chunks = chunks_of(version(chunks=5))
    made = [
        reject(chunks[0], id="a"),
        reject(chunks[1], id="b", run_id="other"),
        reject(chunks[2], id="c", key="b.md", error="ValueError", sqlstate=None),
        reject(chunks[3], id="d", sqlstate="22021"),
        reject(None, id="e", key="c.md", error="DocumentError", sqlstate=None),
    ]
    write(store, rejects=tuple(made))
    ledger = store.ledger
    assert ledger.rejects() == made
    assert ledger.rejects(RejectFilter(run_id="other")) == [made[1]]
    assert ledger.rejects(RejectFilter(key="b.md")) == [made[2]]
    assert ledger.rejects(RejectFilter(error="Untranslatable")) == [made[0], made[1], made[3]]
    assert ledger.rejects(RejectFilter(error="22021")) == [made[3]]
    assert ledger.rejects(RejectFilter(error="2202")) == []
    assert ledger.rejects(RejectFilter(error="%")) == []
    assert ledger.rejects(RejectFilter(ids=["a", "c"])) == [made[0], made[2]]
    assert ledger.rejects(RejectFilter(ids=["a", "c"], run_id="run", error="ValueError")) == [made[2]]
    assert ledger.rejects(RejectFilter(ids=[])) == []
    assert ledger.rejects(RejectFilter(unreadable=True)) == [made[4]]
    assert ledger.rejects(after="b", limit=1) == [made[2]]
    assert ledger.drop_rejects(["a", "d", "none"]) == 2
    assert ledger.rejects() == [made[1], made[2], made[4]]


def test_a_publication_drops_rejects_of_other_versions_and_of_the_document(store: PostgresStore) -> None:
    old, new = version(content="1"), version(content="2")
    of_old, of_new = reject(chunks_of(old)[0], id="old"), reject(chunks_of(new)[0], id="new")
    elsewhere = reject(None, id="elsewhere", key="b.md")
    write(store, rejects=(of_old, reject(None, id="document"), elsewhere))
    write(store, chunks_of(new)[1:], rejects=(of_new,), publications=(Publication(new, rejected=1),))
    assert store.ledger.rejects() == [elsewhere, of_new]


def test_a_mended_record_resolves_its_reject(store: PostgresStore, postgres_url: str) -> None:
    document = version()
    chunks = chunks_of(document)
    bad = reject(chunks[0])
    write(store, chunks[1:], rejects=(bad,), publications=(Publication(document, rejected=1),))
    write(store, chunks[:1], publications=(Publication(document),), resolved=(bad.id,))
    assert store.ledger.rejects() == []
    assert [known.rejected for known in store.ledger.documents("docs")] == [0]
    assert query(postgres_url, "SELECT count(*) FROM knowledge_base") == [(3,)]


def test_a_reject_commits_with_its_batch_or_not_at_all(store: PostgresStore) -> None:
    chunks = chunks_of(version(chunks=1))
    with pytest.raises(ValueError, match="same id"):
        store.write(Batch(chunks * 2, 0), receipt(rejects=(reject(),)))
    assert store.ledger.rejects() == []
