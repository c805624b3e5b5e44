"""The account as it grows: what is expected, and that an event that gets lost is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchwrightError, PluginManager
from batchwright.contracts.events import (
    BatchFailed,
    BatchWritten,
    DocumentsFinished,
    DocumentsRead,
    Event,
    InputCounted,
    RecordRejected,
)
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.run import Loading
from batchwright.engine.setup import Setup
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.engine.tally import Tally
from tests.support.memory import MemoryPlugin, fail_for


def tally(*events: Event) -> Tally:
    result = Tally()
    for event in events:
        result.add(event)
    return result


def test_the_records_expected_are_those_of_the_bytes_still_to_be_read_as_well() -> None:
    counted = InputCounted(documents=4, size=1_000)
    assert tally(counted, DocumentsRead(1, records=10, size=250)).expected() == 40
    assert tally(counted, DocumentsRead(4, records=30, size=1_000)).expected() == 30


def test_records_that_are_left_alone_are_not_expected() -> None:
    counted, read = InputCounted(documents=4, size=1_000), DocumentsRead(2, records=20, size=500)
    assert tally(counted, read, DocumentsFinished("unchanged", 1, records=10)).expected() == 20


def test_before_the_first_share_the_records_that_workers_wrote_are_scaled_up() -> None:
    result = tally(InputCounted(documents=4, size=1_000))
    assert result.expected() == 0
    result.add_elsewhere(BatchWritten(0, records=5, size=100))
    result.add_elsewhere(BatchWritten(1, records=5, size=100))
    assert result.expected() == 50


class Lossy(Tally):
    """Loses one event that counts something."""

    def __init__(self, which: Callable[[Event], bool]) -> None:
        super().__init__()
        self._which = which
        self.lost: list[Event] = []

    def add(self, event: Event) -> None:
        if not self.lost and self._which(event):
            self.lost.append(event)
        else:
            super().add(event)


def _of(kind: type[Event]) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind)


@pytest.mark.parametrize(
    "which",
    [
        pytest.param(_of(BatchWritten), id="records written"),
        pytest.param(_of(DocumentsRead), id="documents read"),
        pytest.param(_of(RecordRejected), id="a reject"),
        pytest.param(_of(BatchFailed), id="a failed batch"),
        pytest.param(
            lambda event: isinstance(event, DocumentsFinished) and event.state == "added", id="added"
        ),
        pytest.param(
            lambda event: isinstance(event, DocumentsFinished) and event.state == "failed", id="failed"
        ),
        pytest.param(
            lambda event: isinstance(event, DocumentsFinished) and event.state == "not_attempted", id="left"
        ),
        pytest.param(None, id="none"),
    ],
)
def test_an_account_that_lost_an_event_does_not_add_up(
    tmp_path: Path, which: Callable[[Event], bool] | None
) -> None:
    """A run with a reject, a batch that fails, and documents that are not attempted."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.md").write_text(f"Record {number}.\n")
    plugin = MemoryPlugin()
    bad = fail_for(lambda chunk: "Record 0" in chunk.chunk_text, lambda: ValueError("bad"))
    broken = fail_for(lambda chunk: "Record 4" in chunk.chunk_text, lambda: RuntimeError("broken"))
    plugin.database.before = lambda batch, receipt: (bad(batch, receipt), broken(batch, receipt))[0]
    config = BatchConfig(input_dir=folder, to="memory://", batch_size=1)
    lossy = Lossy(which) if which else Tally()
    loading = Loading(
        Setup(config, PluginManager.load([plugin]), DeliveryPolicy.of(config), Dispatcher(tally=lossy))
    )

    if which is None:
        account = loading.run().account
        assert (account.records.rejected, account.records.failed) == (1, 1)
        assert account.documents.not_attempted == 1
        return
    with pytest.raises(BatchwrightError, match="the account does not add up"):
        loading.run()
    assert isinstance(lossy, Lossy)
    assert len(lossy.lost) == 1


def test_what_is_left_out_adds_up_also_over_the_shares_of_workers() -> None:
    counted = InputCounted(1, 1, {"no reader: .png": 2})
    result = tally(counted, DocumentsRead(1, left_out={"data URI": 1, "characters cleaned": 3}))
    share = tally(DocumentsRead(1, left_out={"data URI": 4})).account()
    result.merge(share)
    assert result.account().left_out == {"no reader: .png": 2, "data URI": 5, "characters cleaned": 3}
