"""What goes through the stage at the same time: large and small, stopped and failing."""

from __future__ import annotations

import threading

import pytest

from batchwright import BatchProcessor, EmbedderLimits
from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import DocumentFinished, TextsEmbedded
from batchwright.contracts.stop import Stop
from tests.support.loads import Watcher, config_of
from tests.unit.embedding.conftest import Base

ADDED: tuple[DocumentState, ...] = ("added",)


def test_a_large_document_holds_up_no_other(base: Base) -> None:
    large = "\n\n".join(f"## Part {n}\n\nWhat part {n} of the large one says, in words." for n in range(400))
    (base.folder / "a-large.md").write_text(large)
    base.script.limits = EmbedderLimits(texts=8, at_once=2)
    base.script.delay = 0.005
    watcher = Watcher(each_document=ADDED)
    config = config_of(base.folder, f"sqlite:///{base.db}", embedder="scripted")
    result = BatchProcessor(config, reporters=[watcher], plugins=[base.script.plugin()]).run()
    assert result.exit_code == 0
    finished = [event.key for event in watcher.events if isinstance(event, DocumentFinished)]
    assert finished[-1] == "a-large.md"
    assert len(finished) == 6
    base.check()


@pytest.mark.parametrize("capacity", [1, 3_000])
def test_what_waits_is_bounded_and_comes_through(
    base: Base, monkeypatch: pytest.MonkeyPatch, capacity: int
) -> None:
    monkeypatch.setattr("batchwright.engine.embedding.stage.CAPACITY", capacity)
    monkeypatch.setattr("batchwright.engine.embedding.stage.MOST", capacity)
    base.write(40, 6)
    assert base.load().exit_code == 0
    base.check()


def test_what_is_in_flight_when_a_run_is_stopped_is_kept(base: Base) -> None:
    base.write(60, 6)
    stop, asked = Stop(), threading.Event()

    def act(_texts: list[str], before: int) -> None:
        if before == 3:
            stop.request("that is enough")
            asked.set()

    base.script.act = act
    base.script.delay = 0.1
    config = config_of(base.folder, f"sqlite:///{base.db}", embedder="scripted")
    result = BatchProcessor(config, plugins=[base.script.plugin()]).run(stop=stop)
    assert result.state == "interrupted"
    result.account.check()
    sent = set(base.script.texts)
    assert 0 < len(sent) < 200
    [(kept,)] = base.query("SELECT count(*) FROM knowledge_base_vectors")
    assert kept == len(sent)
    base.script.asked = []
    assert base.load().exit_code == 0
    assert not sent & base.script.texts.keys()
    base.check()


def test_what_a_run_says_of_its_requests_adds_up(base: Base) -> None:
    watcher = Watcher()
    config = config_of(base.folder, f"sqlite:///{base.db}", embedder="scripted")
    result = BatchProcessor(config, reporters=[watcher], plugins=[base.script.plugin()]).run()
    told = [event for event in watcher.events if isinstance(event, TextsEmbedded)]
    vectors = result.account.vectors
    assert vectors is not None
    assert sum(event.texts for event in told) == vectors.texts == sum(base.script.texts.values())
    assert len(told) == vectors.requests == len(base.script.asked)
    assert vectors.tokens == sum(len(text.split()) for text in base.script.texts)
