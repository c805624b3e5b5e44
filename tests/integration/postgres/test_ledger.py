"""The ledger in the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from batchwright.builtin.postgres import PostgresSink
from batchwright.contracts.receipts import Publication, Run
from batchwright.model import Batch
from tests.integration.postgres.examples import (
    chunks_of,
    publish,
    query,
    receipt,
    reject,
    sink_at,
    version,
    write,
)


@pytest.fixture
def sink(postgres_url: str) -> Iterator[PostgresSink]:
    with sink_at(postgres_url) as sink:
        yield sink


def test_runs_come_back_newest_first(sink: PostgresSink) -> None:
    runs = [Run(f"run {number}", f"2026-01-0{number}T00:00:00+00:00", source="/docs") for number in (1, 3, 2)]
    for run in runs:
        sink.ledger.start_run(run)
        sink.ledger.start_run(run)
    done = dataclasses.replace(
        runs[0],
        state="done",
        finished_at="2026-01-01T00:00:01.5Z",
        account={"records": {"written": 1}, "seconds": 0.1},
    )
    sink.ledger.finish_run(done)
    assert sink.ledger.runs() == [runs[1], runs[2], done]
    assert sink.ledger.runs(limit=1) == [runs[1]]


def test_documents_come_in_code_point_order_by_pages(sink: PostgresSink) -> None:
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
        publish(sink, version(name))
    found: list[str] = []
    while page := sink.ledger.documents(after=found[-1] if found else "", limit=3):
        assert len(page) <= 3
        found += [known.version.source_file for known in page]
    assert found == sorted(names)


def test_a_document_comes_back_as_it_was_published(sink: PostgresSink) -> None:
    first, second = version(content="1"), version(content="2", chunks=4)
    publish(sink, first)
    write(
        sink,
        chunks_of(second)[1:],
        publications=(Publication(second, rejected=1, supersedes=(first.document_id,)),),
    )
    (known,) = sink.ledger.documents()
    assert (known.version, known.rejected) == (second, 1)
    assert known.published_at.endswith("+00:00")


def test_a_second_record_changes_nothing(sink: PostgresSink) -> None:
    first, second = version(content="1"), version(content="2")
    made = receipt(publications=(Publication(first),), rejects=(reject(),))
    sink.ledger.record(made)
    sink.ledger.record(receipt(publications=(Publication(second),)))
    before = sink.ledger.documents()
    sink.ledger.record(made)
    assert sink.ledger.documents() == before
    assert sink.ledger.rejects() == []
    assert sink.ledger.committed(made.batch_id)
    assert not sink.ledger.committed("another")


def test_deleting_spares_a_document_that_has_another_version_by_now(sink: PostgresSink) -> None:
    first, second = version(content="1"), version(content="2")
    publish(sink, second)
    write(sink, deleted=(("a.md", first.document_id),))
    assert [known.version for known in sink.ledger.documents()] == [second]


def test_rejects_come_back_exactly_even_with_what_postgres_refuses(sink: PostgresSink) -> None:
    chunk = dataclasses.replace(
        chunks_of(version())[0],
        chunk_text="a\0b\ud800 \\u0000 \U0001f600",
        metadata={"x\0": ["\udfff", None, 1.5]},
    )
    made = reject(chunk)
    write(sink, rejects=(made,))
    assert sink.ledger.rejects() == [made]
    odd = reject(None, id="odd", message="NUL \0 and \ud800", source_file="caf\udce9.md")
    write(sink, rejects=(odd,))
    (found,) = sink.ledger.rejects(ids=["odd"])
    assert (found.message, found.source_file) == ("NUL \\x00 and \\ud800", "caf\\udce9.md")


def test_the_same_reject_again_replaces_it(sink: PostgresSink) -> None:
    first = reject(chunks_of(version())[0])
    again = dataclasses.replace(first, run_id="later", attempts=5, message="still")
    write(sink, rejects=(first,))
    write(sink, rejects=(first, again))
    assert sink.ledger.rejects() == [again]


def test_rejects_are_found_by_what_is_asked(sink: PostgresSink) -> None:
    chunks = chunks_of(version(chunks=5))
    made = [
        reject(chunks[0], id="a"),
        reject(chunks[1], id="b", run_id="other"),
        reject(chunks[2], id="c", source_file="b.md", error="ValueError", sqlstate=None),
        reject(chunks[3], id="d", sqlstate="22021"),
    ]
    write(sink, rejects=tuple(made))
    ledger = sink.ledger
    assert ledger.rejects() == made
    assert ledger.rejects(run_id="other") == [made[1]]
    assert ledger.rejects(source_file="b.md") == [made[2]]
    assert ledger.rejects(error="Untranslatable") == [made[0], made[1], made[3]]
    assert ledger.rejects(error="22021") == [made[3]]
    assert ledger.rejects(error="2202") == []
    assert ledger.rejects(error="%") == []
    assert ledger.rejects(ids=["a", "c"]) == [made[0], made[2]]
    assert ledger.rejects(ids=["a", "c"], run_id="run", error="ValueError") == [made[2]]
    assert ledger.rejects(ids=[]) == []
    assert ledger.rejects(after="b", limit=1) == [made[2]]
    assert ledger.drop_rejects(["a", "d", "none"]) == 2
    assert ledger.rejects() == [made[1], made[2]]


def test_a_publication_drops_rejects_of_other_versions_and_of_the_document(sink: PostgresSink) -> None:
    old, new = version(content="1"), version(content="2")
    of_old, of_new = reject(chunks_of(old)[0], id="old"), reject(chunks_of(new)[0], id="new")
    elsewhere = reject(None, id="elsewhere", source_file="b.md")
    write(sink, rejects=(of_old, reject(None, id="document"), elsewhere))
    write(sink, chunks_of(new)[1:], rejects=(of_new,), publications=(Publication(new, rejected=1),))
    assert sink.ledger.rejects() == [elsewhere, of_new]


def test_a_mended_record_resolves_its_reject(sink: PostgresSink, postgres_url: str) -> None:
    document = version()
    chunks = chunks_of(document)
    bad = reject(chunks[0])
    write(sink, chunks[1:], rejects=(bad,), publications=(Publication(document, rejected=1),))
    write(sink, chunks[:1], publications=(Publication(document, stored_before=2),), resolved=(bad.id,))
    assert sink.ledger.rejects() == []
    assert [known.rejected for known in sink.ledger.documents()] == [0]
    assert query(postgres_url, "SELECT count(*) FROM knowledge_base") == [(3,)]


def test_a_reject_commits_with_its_batch_or_not_at_all(sink: PostgresSink) -> None:
    chunks = chunks_of(version(chunks=1))
    with pytest.raises(ValueError, match="same id"):
        sink.write(Batch(chunks * 2, 0), receipt(rejects=(reject(),)))
    assert sink.ledger.rejects() == []
