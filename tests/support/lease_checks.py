"""Runs of one collection, each in a process of its own, in a sink that is a file or a folder."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, CollectionBusy, Target
from batchwright.engine.lease import LeaseTimes
from tests.support import insert
from tests.support.forked import ELSEWHERE
from tests.support.leased import Gated, begin, documents, done, order


class LeaseRunChecks:
    """Subclass it, and supply the fixture `url`: an empty target that nobody waits for by itself."""

    @pytest.fixture
    def docs(self, tmp_path: Path) -> Path:
        return documents(tmp_path / "docs")

    def check_sound(self, url: str, documents: int = 3) -> None:
        """Check that all is there, and nothing besides."""
        with Target(url) as target:
            assert list(target.verify()) == []
            assert len(list(target.documents(collection="docs"))) == documents
            assert target.busy() == [], "a lease is left"

    def test_a_second_run_begins_nothing_and_is_told_who_is_there(self, url: str, docs: Path) -> None:
        with Gated(order(docs, url)) as first:
            first.reached()
            busy = json.loads(done(order(docs, url), code=4).said("out"))
            assert (busy["state"], busy["exit_code"]) == ("busy", 4)
            assert busy["held_by"].startswith(f"process {first.pid}"), busy
            first.release()
            assert first.ended().code == 0
        with Target(url) as target:
            assert len(target.runs()) == 1
        self.check_sound(url)

    def test_a_run_that_waits_begins_when_the_other_ends(self, url: str, docs: Path) -> None:
        with Gated(order(docs, url)) as first:
            first.reached()
            with begin(order(docs, url, "--wait", "30")) as second:
                second.waits()
                first.release()
                assert first.ended().code == 0
                assert second.ended().code == 0
                assert json.loads(second.said("out"))["account"]["documents"]["unchanged"] == 3
        self.check_sound(url)

    def test_a_run_that_is_interrupted_while_it_waits_has_begun_nothing(self, url: str, docs: Path) -> None:
        with Gated(order(docs, url)) as first:
            first.reached()
            with begin(order(docs, url, "--wait", "30")) as second:
                second.waits()
                second.send(signal.SIGINT)
                assert second.ended().code == 130
            first.release()
            assert first.ended().code == 0
        with Target(url) as target:
            assert len(target.runs()) == 1

    def test_a_run_that_was_killed_is_replaced_at_once(self, url: str, docs: Path) -> None:
        with Gated(order(docs, url)) as first:
            first.reached().killed()
            began = time.monotonic()
            done(replace(order(docs, url), times=LeaseTimes()))
            assert time.monotonic() - began < 10
        self.check_sound(url)

    def test_a_run_that_was_killed_elsewhere_is_replaced_once_it_is_silent(
        self, url: str, docs: Path
    ) -> None:
        with Gated(replace(order(docs, url), owner=ELSEWHERE)) as first:
            first.reached().killed()
            patient = replace(order(docs, url), times=LeaseTimes())  # a minute may have to pass
            busy = json.loads(done(patient, code=4).said("out"))
            assert busy["held_by"] == "process 1 on elsewhere"
            done(order(docs, url, "--wait", "10"))
        self.check_sound(url)

    def test_a_program_does_not_write_beside_a_run_and_may_wait_for_it(self, url: str, docs: Path) -> None:
        settings = BatchConfig(to=url, collection="docs", reporters=())
        with Gated(order(docs, url)) as first:
            first.reached()
            with BatchProcessor(settings) as program, pytest.raises(CollectionBusy) as caught:
                program.insert_chunks([insert.chunk("mine", 0, 1, "word")])
            assert f"process {first.pid}" in str(caught.value)
            first.release()
            with BatchProcessor(settings.model_copy(update={"wait": 30.0})) as program:
                stored = program.insert_chunks([insert.chunk("mine", 0, 1, "word")])
                assert stored.account.records.written == 1
            assert first.ended().code == 0
        self.check_sound(url, 4)

    def test_a_program_goes_on_where_a_run_was_killed(self, url: str, docs: Path) -> None:
        with Gated(order(docs, url)) as first:
            first.reached().killed()
        with BatchProcessor(BatchConfig(to=url, collection="docs", reporters=())) as program:
            assert program.insert_chunks([insert.chunk("mine", 0, 1, "word")]).account.records.written == 1
        done(order(docs, url))
        self.check_sound(url, 4)
