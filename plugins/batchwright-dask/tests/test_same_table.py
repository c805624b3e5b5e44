"""The same corpus through this process and through a cluster: the same rows, the same account."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from batchwright import BatchProcessor
from batchwright.contracts.events import (
    BatchWritten,
    DocumentFinished,
    DocumentsFinished,
    InputCounted,
    RecordRejected,
)

from tests.cluster import Cluster
from tests.loading import (
    BAD,
    UNREADABLE,
    Listener,
    Outcome,
    assert_same,
    config_of,
    run,
    write_documents,
)
from tests.support.tables import contents


def test_the_cluster_leaves_what_this_process_leaves(
    cluster: Cluster, corpus: Path, url: str, reference: Outcome
) -> None:
    listener = Listener()
    outcome = run(config_of(corpus, url, cluster.address), listener)
    assert_same(outcome, reference)
    assert outcome.account.records.rejected == BAD
    assert outcome.account.documents.failed == len(UNREADABLE)
    assert outcome.account.retries == 0
    [ledger] = outcome.ledger
    assert ledger["state"] == "done"
    account = ledger["account"]
    account = json.loads(account) if isinstance(account, str) else account
    assert account["records"]["written"] == outcome.account.records.written
    # what the reporters heard adds up to it
    assert sum(event.records for event in listener.of(BatchWritten)) == outcome.account.records.written
    finished = [event.key for event in listener.of(DocumentFinished)]
    assert len(finished) == len(set(finished)) == outcome.account.documents.total
    counted = sum(event.documents for event in listener.of(DocumentsFinished))
    assert counted == outcome.account.documents.total
    assert len(listener.of(RecordRejected)) == BAD + len(UNREADABLE)
    assert [event.documents for event in listener.of(InputCounted)] == [len(finished)]
    indices = [event.batch_index for event in listener.of(BatchWritten)]
    assert set(indices) <= set(range(len(indices)))


def test_both_workers_take_part(cluster: Cluster, corpus: Path, url: str) -> None:
    # a lambda, since the workers can't import this module
    computed = lambda dask_worker: sum("executing" in map(str, entry) for entry in dask_worker.state.log)  # noqa: E731
    with cluster.client() as client:
        before = client.run(computed)
        run(config_of(corpus, url, cluster.address))
        after = client.run(computed)
    assert len(after) == 2
    assert all(after[address] > before[address] for address in after), (before, after)


def test_process_directory_returns_the_ids(
    cluster: Cluster, corpus: Path, url: str, reference: Outcome
) -> None:
    assert sorted(BatchProcessor(config_of(corpus, url, cluster.address)).process_directory()) == list(
        reference.ids
    )


def test_progress_comes_while_the_run_goes_on(cluster: Cluster, corpus: Path, url: str) -> None:
    seen: list[tuple[int, float]] = []
    heard = Listener(at=1, act=lambda: seen.append((len(heard.of(DocumentFinished)), percent())))
    processor = BatchProcessor(config_of(corpus, url, cluster.address), reporters=[heard])

    def percent() -> float:
        return processor.get_progress().percent_complete

    result = processor.run()
    [(finished, done)] = seen
    assert finished < result.account.documents.total / 2
    assert 0 < done < 100
    assert processor.get_progress().percent_complete == 100
    assert processor.get_progress().documents_processed == result.account.records.written
    assert len(processor.get_progress().errors) >= BAD


def test_a_second_run_writes_only_what_changed(
    cluster: Cluster, tmp_path: Path, fresh: Callable[[], str], seed: int
) -> None:
    documents, url = write_documents(tmp_path / "docs", seed), fresh()
    first = run(config_of(documents, url, cluster.address))
    again = run(config_of(documents, url, cluster.address))
    assert again.account.records.written == again.account.batches == 0
    assert again.account.records.unchanged == first.account.records.written
    assert again.ids == ()
    edited = documents / "000004.md"
    edited.write_text(edited.read_text() + "\n\nOne more.\n")
    (documents / "000009.md").unlink()
    third = run(config_of(documents, url, cluster.address, prune=True))
    assert (third.account.documents.changed, third.account.removed) == (1, 1)
    assert third.account.documents.unchanged == first.account.documents.added - 2
    elsewhere = run(config_of(documents, fresh()))
    assert third.contents.published == elsewhere.contents.published


def test_the_executor_may_change_between_runs(
    cluster: Cluster, corpus: Path, url: str, reference: Outcome
) -> None:
    run(config_of(corpus, url))
    again = run(config_of(corpus, url, cluster.address))
    assert again.account.records.written == 0
    assert again.account.records.unchanged == reference.account.records.written
    assert contents(url).differences(reference.contents) == []


def test_an_archive_is_loaded_by_a_cluster_as_by_this_process(
    cluster: Cluster, tmp_path: Path, fresh: Callable[[], str]
) -> None:
    archive = tmp_path / "docs.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(300):
            text = "".join(f"## Part {part}\n\n{'some words ' * 60}\n\n" for part in range(8))
            file.writestr(f"sub/{number:03}.md", f"# Document {number}\n\n{text}")
    given = {"input_dir": None, "source": str(archive)}
    here, there = fresh(), fresh()
    reference = run(config_of(tmp_path, here).model_copy(update=given))
    config = config_of(tmp_path, there, cluster.address).model_copy(update=given)
    assert_same(run(config), reference)
    assert run(config).account.documents.unchanged == 300
