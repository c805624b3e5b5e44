from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batchwright.contracts.lease import Lease, Owner, Patience
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Collection, KnownDocument, Publication, RejectFilter, Run
from batchwright.contracts.record_json import as_json
from batchwright.contracts.records import CHUNK
from batchwright.errors import LeaseLost, SinkError
from batchwright.model import ProcessedChunk
from batchwright.sinkkit.sqlite.ledger import SqliteLedgerBeside
from batchwright.testing.records import batch, sample
from tests.unit.sqlite.cases import COLLECTION, document, receipt, reject, select, store_at


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedgerBeside]:
    ledger = SqliteLedgerBeside.open(tmp_path / "folder" / "ledger.db", "kb")
    yield ledger
    ledger.close()


def _publish(ledger: SqliteLedgerBeside, *names: str, content: str = "v1") -> None:
    versions = [document(name, ["x"], content)[0] for name in names]
    ledger.record(receipt(publications=tuple(map(Publication, versions))))


def test_runs_are_kept_newest_first(ledger: SqliteLedgerBeside) -> None:
    for number in range(5):
        ledger.start_run(
            Run(f"r{number}", f"2026-01-0{number % 3 + 1}T00:00:00Z", "docs", "docs", state="failed")
        )
    done = Run(
        "r4",
        "2026-01-02T00:00:00Z",
        "docs",
        "docs",
        "done",
        "2026-01-03T00:00:00Z",
        {"records": {"written": 3}},
    )
    ledger.finish_run(done)
    assert [run.run_id for run in ledger.runs()] == ["r2", "r4", "r1", "r3", "r0"]
    assert ledger.runs(limit=2)[1] == done
    assert ledger.runs()[0] == Run("r2", "2026-01-03T00:00:00Z", "docs", "docs")


def test_only_who_has_the_lease_notes_how_its_run_ended(ledger: SqliteLedgerBeside) -> None:
    run = Run("mine", "2026", "docs")
    ledger.enter_collection(Collection("docs"))
    own = Lease("docs", "mine", "mine", Owner("here", 1), "2026")
    assert ledger.swap_lease("docs", None, own, Patience(1))
    ledger.start_run(run)
    ledger.finish_run(replace(run, state="interrupted"), "mine")
    assert ledger.swap_lease("docs", "mine", replace(own, token="other", run_id="other"), Patience(1))
    with pytest.raises(LeaseLost, match="other"):
        ledger.finish_run(replace(run, state="done"), "mine")
    assert [one.state for one in ledger.runs()] == ["interrupted"]


def test_a_run_over_a_folder_whose_name_is_not_unicode_is_kept(ledger: SqliteLedgerBeside) -> None:
    ledger.start_run(Run("r", "2026", "docs", "caf\udce9"))
    assert ledger.runs()[0].source == r"caf\udce9"


def test_a_receipt_is_recorded_once(ledger: SqliteLedgerBeside) -> None:
    version, _ = document("a.md", ["x"])
    first = receipt("b", publications=(Publication(version),), rejects=(reject("r1"),))
    assert not ledger.committed("b")
    ledger.record(first)
    assert ledger.committed("b")
    ledger.drop_rejects(["r1"])
    ledger.record(receipt("c", deleted=(("a.md", version.document_id),)))
    ledger.record(first)
    assert (ledger.documents("docs"), ledger.rejects()) == ([], [])


def test_a_publication_replaces_the_entry_and_drops_what_is_stale(ledger: SqliteLedgerBeside) -> None:
    old, _ = document("a.md", ["x"], "old")
    runs, _ = document("a.md", ["x", "y"], "a run's")
    programs = replace(document("a.md", ["x", "y"], "a program's")[0], brought_by="program")
    other, _ = document("b.md", ["x"], "begun")
    new, _ = document("a.md", ["x", "y", "z"], "new")
    rejects = (
        reject("of old", document_id=old.document_id),
        reject("of new", document_id=new.document_id),
        reject("unreadable", document_id=None, position=None),
        reject("of the program's", document_id=programs.document_id),
        reject("of another", key="b.md", document_id=other.document_id),
    )
    ledger.record(receipt(publications=(Publication(old),), begun=(other,)))
    ledger.record(receipt(begun=(runs, programs), rejects=rejects))
    assert {one.document_id for one in ledger.pending("docs")} == {
        one.document_id for one in (runs, programs, other)
    }
    ledger.record(
        receipt(publications=(Publication(new, rejected=1),), rejects=(reject("now", document_id="odd"),))
    )
    assert [(known.version, known.rejected) for known in ledger.documents("docs")] == [(new, 1)]
    assert ledger.pending("docs") == [runs, other]
    assert [kept.id for kept in ledger.rejects()] == ["now", "of another", "of new"]
    ledger.record(receipt(discarded=(runs.document_id, other.document_id), resolved=("now", "unknown")))
    assert ledger.pending("docs") == []
    assert [kept.id for kept in ledger.rejects()] == ["of new"]


def test_deleting_names_the_version_and_spares_a_newer_one(ledger: SqliteLedgerBeside) -> None:
    _publish(ledger, "a.md", content="new")
    ledger.record(receipt(deleted=(("a.md", document("a.md", ["x"], "old")[0].document_id),)))
    assert len(ledger.documents("docs")) == 1


def test_documents_come_in_code_point_order_page_by_page(ledger: SqliteLedgerBeside) -> None:
    names = [
        "Z",
        "a",
        "B/c",
        "é",
        "\uffff",
        "\U0001f600",
        "\U0010ffff",
        "\ue000",
        "z",
        "a/b",
        "a b",
        "A",
        "ß",
        "\x01",
        "\ud7ff",
    ]
    _publish(ledger, *names)
    pages: list[KnownDocument] = []
    while page := ledger.documents("docs", after=pages[-1].version.key if pages else "", limit=4):
        assert len(page) <= 4
        pages += page
    assert [known.version.key for known in pages] == sorted(names)
    assert pages[0].version == document("\x01", ["x"])[0]
    assert pages[0].published_at.startswith("20")


def test_rejects_come_back_exactly_nul_and_lone_surrogates_included(
    ledger: SqliteLedgerBeside, tmp_path: Path
) -> None:
    chunk = ProcessedChunk("a\0b\ud800c", source_file="caf\udce9.md", metadata={"k\udfff": ["\0", 1.5, None]})
    kept = reject(
        "r1",
        key="caf\udce9.md",
        message="can't encode '\ud800', \0 and \U0001f600",
        error="\ud800Error",
        sqlstate="22021",
        payload=as_json(CHUNK, chunk),
    )
    ledger.record(receipt(rejects=(kept, reject("r2"))))
    assert ledger.rejects() == [kept, reject("r2")]
    assert ledger.rejects(RejectFilter(key="caf\udce9.md", error="\ud800Err")) == [kept]
    assert select(tmp_path / "folder" / "ledger.db", "SELECT key FROM kb_rejects WHERE id = 'r1'") == [
        (r"caf\udce9.md",)
    ]


def test_the_same_record_rejected_again_is_the_same_reject(ledger: SqliteLedgerBeside) -> None:
    ledger.record(receipt(rejects=(reject(attempts=1, message="\ud800"),)))
    ledger.record(receipt(rejects=(reject(attempts=2, run_id="later"),)))
    assert ledger.rejects() == [reject(attempts=2, run_id="later")]


def test_rejects_are_filtered_and_paged(ledger: SqliteLedgerBeside) -> None:
    ledger.record(
        receipt(
            rejects=(
                reject("1"),
                reject("2", run_id="other"),
                reject("3", key="b.md"),
                reject("4", error="psycopg.errors.DataError", sqlstate="22021"),
                reject("5", error="psycopg.errors.UniqueViolation", sqlstate="23505"),
            )
        )
    )
    found = {
        "": ledger.rejects(),
        "ids": ledger.rejects(RejectFilter(ids=["5", "1", "nobody", "5"])),
        "none": ledger.rejects(RejectFilter(ids=[])),
        "run": ledger.rejects(RejectFilter(run_id="other")),
        "file": ledger.rejects(RejectFilter(key="b.md")),
        "class": ledger.rejects(RejectFilter(error="psycopg")),
        "state": ledger.rejects(RejectFilter(error="22021")),
        "part of a state": ledger.rejects(RejectFilter(error="220")),
        "all": ledger.rejects(RejectFilter(run_id="run", key="a.md", error="Value", ids=["1", "2"])),
        "page": ledger.rejects(after="2", limit=2),
        "percent": ledger.rejects(RejectFilter(error="%")),
    }
    assert {what: "".join(one.id for one in hits) for what, hits in found.items()} == {
        "": "12345",
        "ids": "15",
        "none": "",
        "run": "2",
        "file": "3",
        "class": "45",
        "state": "4",
        "part of a state": "",
        "all": "1",
        "page": "34",
        "percent": "",
    }


def test_rejects_are_dropped_and_counted(ledger: SqliteLedgerBeside) -> None:
    ledger.record(receipt(rejects=tuple(reject(f"{n:05}") for n in range(3000))))
    assert ledger.reject_count() == Ledger.reject_count(ledger) == 3000
    assert ledger.drop_rejects([f"{n:05}" for n in range(1, 5000)]) == 2999
    assert ledger.drop_rejects([]) == 0
    assert [kept.id for kept in ledger.rejects()] == ["00000"]
    assert ledger.reject_count() == Ledger.reject_count(ledger) == 1


def test_a_reject_whose_payload_is_damaged_is_named(ledger: SqliteLedgerBeside, tmp_path: Path) -> None:
    ledger.record(receipt(rejects=(reject("r7", payload={"chunk_text": "x"}),)))
    with ledger._file.transaction() as connection:
        connection.execute("UPDATE kb_rejects SET payload = '{'")
    with pytest.raises(SinkError, match=r"reject r7 can't be read: .*; drop it"):
        ledger.rejects()


def test_a_document_whose_name_is_not_unicode_is_kept_under_the_name_as_python_writes_it(
    ledger: SqliteLedgerBeside,
) -> None:
    version, _ = document("caf\udce9.md", ["x"])
    ledger.record(receipt(begun=(version,)))
    assert [one.key for one in ledger.pending("docs")] == [r"caf\udce9.md"]
    ledger.record(receipt(publications=(Publication(version),)))
    assert ledger.document("docs", "caf\udce9.md") == ledger.documents("docs")[0]
    ledger.record(receipt(deleted=(("caf\udce9.md", version.document_id),)))
    assert (ledger.documents("docs"), ledger.pending("docs")) == ([], [])


def test_an_error_leaves_the_ledger_usable_and_unchanged(ledger: SqliteLedgerBeside) -> None:
    version, _ = document("a.md", ["x"])
    clash = receipt("b", publications=(Publication(version), Publication(replace(version, key="b.md"))))
    with pytest.raises(sqlite3.IntegrityError):
        ledger.record(clash)
    assert not ledger.committed("b")
    assert ledger.documents("docs") == []
    _publish(ledger, "a.md")


def test_threads_may_share_a_ledger_and_see_only_what_is_committed(ledger: SqliteLedgerBeside) -> None:
    failures: list[object] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            count = len(ledger.documents("docs", limit=10_000))
            if count % 10:
                failures.append(count)

    def write(name: str) -> None:
        try:
            for number in range(30):
                _publish(ledger, *(f"{name}{number}/{n}" for n in range(10)))
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    assert failures == []
    assert len(ledger.documents("docs", limit=10_000)) == 900


@pytest.mark.parametrize("others", [0, 1, 15, 16, 17, 100])
def test_however_many_are_pending_a_publication_ends_what_was_begun_under_its_key(
    tmp_path: Path, others: int
) -> None:
    with store_at(tmp_path / "kb.db") as store:
        waiting = [sample(f"other {number}", 2, collection=COLLECTION).version for number in range(others)]
        left = sample("a.md", 2, content="old", brought_by="program", collection=COLLECTION)
        new = sample("a.md", 2, content="new", collection=COLLECTION)
        store.write(batch([left.chunks[0]]), receipt(begun=(*waiting, left.version)))
        store.write(batch([new.chunks[0]]), receipt(begun=(new.version,)))
        assert len(store.ledger.pending(COLLECTION)) == others + 2
        store.write(batch([new.chunks[1]]), receipt(publications=(new.publication(),)))
        assert {version.key for version in store.ledger.pending(COLLECTION)} == {one.key for one in waiting}
        assert {holding.document_id: holding.rows for holding in store.holdings()} == {new.id: 2}
