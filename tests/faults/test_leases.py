"""Runs of one collection, each in a process of its own: who may write, and what becomes of one that died."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from batchwright import BatchConfig, BatchProcessor, CollectionBusy
from batchwright.contracts.lease import Owner
from batchwright.engine.lease import LeaseTimes
from batchwright.engine.owner import this_process
from tests.support import insert
from tests.support.command import SOURCE
from tests.support.forked import ELSEWHERE, Forked, Order
from tests.support.leased import Gated, begin, documents, done, order
from tests.support.tables import TABLE, published, rows
from tests.support.targets import Target
from tests.support.two_runs import PLUGIN, check_no_orphans, check_sound, undisturbed, wait_until


def _runs(url: str) -> dict[str, str]:
    return {row["run_id"]: row["state"] for row in rows(url, f"{TABLE}_runs")}


def _tokens(url: str) -> list[str]:
    return [row["token"] for row in rows(url, f"{TABLE}_collections") if row["token"]]


def test_a_second_run_of_a_collection_begins_nothing_and_one_of_another_goes_on(
    target: Target, tmp_path: Path
) -> None:
    docs, others, url = documents(tmp_path / "docs"), documents(tmp_path / "others"), target.fresh()
    with Gated(order(docs, url)) as first:
        first.reached()
        before = _runs(url)
        busy = json.loads(done(order(docs, url), code=4).said("out"))
        assert _runs(url) == before
        done(order(others, url))
        first.release()
        assert first.ended().code == 0
    assert (busy["state"], busy["exit_code"], busy["collection"]) == ("busy", 4, "docs")
    assert {busy["run_id"]} == before.keys()
    assert busy["held_by"].startswith(f"process {first.pid} on ")
    assert busy["since"]
    assert _tokens(url) == [], "given back at the end"
    assert rows(url, f"{TABLE}_heartbeats") == []
    check_sound(url, tmp_path)


def test_a_run_that_waits_begins_when_the_other_ends(target: Target, tmp_path: Path) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    with Gated(order(docs, url)) as first:
        first.reached()
        with begin(order(docs, url, "--wait", "30")) as second:
            second.waits()
            assert len(_runs(url)) == 1
            first.release()
            assert first.ended().code == 0
            assert second.ended().code == 0
            assert json.loads(second.said("out"))["account"]["documents"]["unchanged"] == 3


def test_a_run_that_is_interrupted_while_it_waits_has_begun_nothing(target: Target, tmp_path: Path) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    with Gated(order(docs, url)) as first:
        first.reached()
        with begin(order(docs, url, "--wait", "30")) as second:
            second.waits()
            second.send(signal.SIGINT)
            ended = second.ended()
            assert ended.code == 130, ended
            assert json.loads(ended.out)["state"] == "interrupted"
        assert len(_runs(url)) == 1


def test_a_run_that_was_killed_is_replaced_at_once(target: Target, tmp_path: Path) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    expected = undisturbed(target, docs)
    with Gated(order(docs, url)) as first:
        first.reached()
        first.killed()
        began = time.monotonic()
        done(replace(order(docs, url), times=LeaseTimes()))
        assert time.monotonic() - began < 10
    assert published(url) == expected
    check_sound(url, tmp_path)


@pytest.mark.parametrize(
    "owner",
    [ELSEWHERE, replace(this_process(), pid=1, namespace="pid:[1]")],
    ids=["another-machine", "another-container"],
)
def test_a_run_that_was_killed_elsewhere_is_replaced_once_it_is_silent(
    target: Target, tmp_path: Path, owner: Owner
) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    expected = undisturbed(target, docs)
    with Gated(replace(order(docs, url), owner=owner)) as first:
        first.reached()
        first.killed()
        patient = replace(order(docs, url), times=LeaseTimes())  # a minute may have to pass
        busy = json.loads(done(patient, code=4).said("out"))
        assert busy["held_by"] == str(owner)
        done(order(docs, url, "--wait", "10"))
    assert published(url) == expected
    check_sound(url, tmp_path)


def test_a_run_that_was_stopped_and_replaced_commits_nothing_more(target: Target, tmp_path: Path) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    with Gated(order(docs, url)) as first:
        first.reached()
        first.send(signal.SIGSTOP)
        documents(docs, "newer", chunks=9)
        done(order(docs, url, "--wait", "10"))
        after = published(url)
        first.release()
        first.send(signal.SIGCONT)
        ended = first.ended()
    assert ended.code == 1, ended
    result = json.loads(ended.out)
    assert result["state"] == "interrupted"
    assert result["reason"].startswith("replaced by run "), result["reason"]
    assert result["account"]["records"]["rejected"] == result["account"]["records"]["failed"] == 0
    assert published(url) == after == undisturbed(target, docs)
    assert rows(url, f"{TABLE}_rejects") == []
    check_sound(url, tmp_path)


def test_a_run_that_the_ledger_no_longer_knows_ends(target: Target, tmp_path: Path) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    with Gated(order(docs, url)) as first:
        first.reached()
        _execute(url, f"DELETE FROM {TABLE}_collections", f"DELETE FROM {TABLE}_heartbeats")
        first.release()
        ended = first.ended()
    assert ended.code == 1, ended
    assert "the ledger no longer knows this run" in json.loads(ended.out)["reason"]
    assert published(url) == {}


def test_a_program_does_not_write_beside_a_run(target: Target, tmp_path: Path) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    settings = BatchConfig(input_dir=docs, to=url, collection="docs", reporters=())
    patient = settings.model_copy(update={"wait": 30.0})
    with Gated(order(docs, url)) as first:
        first.reached()
        with BatchProcessor(settings) as program, pytest.raises(CollectionBusy) as caught:
            program.insert_chunks([insert.chunk("mine", 0, 1, "word")])
        assert caught.value.collection == "docs"
        with BatchProcessor(settings.model_copy(update={"collection": "mine"})) as program:
            assert program.insert_chunks([insert.chunk("mine", 0, 1, "word")]).account.records.written == 1
        first.release()
        with BatchProcessor(patient) as program:
            assert program.insert_chunks([insert.chunk("theirs", 0, 1, "word")]).account.records.written == 1
        assert first.ended().code == 0
    check_no_orphans(url)


def test_a_program_goes_on_where_a_run_was_killed(target: Target, tmp_path: Path) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    with Gated(order(docs, url)) as first:
        first.reached()
        first.killed()
        with BatchProcessor(BatchConfig(input_dir=docs, to=url, collection="docs", reporters=())) as program:
            assert program.insert_chunks([insert.chunk("mine", 0, 1, "word")]).account.records.written == 1
    assert _tokens(url) == []
    done(order(docs, url))
    check_sound(url, tmp_path)


def _execute(url: str, *statements: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as file, file:
            for statement in statements:
                file.execute(statement)
        file.close()
        return
    with psycopg.connect(url, autocommit=True) as server:
        for statement in statements:
            server.execute(statement.encode())


def test_a_run_that_is_stopped_inside_a_transaction_of_sqlite_keeps_the_file(
    sqlite_target: Target, tmp_path: Path
) -> None:
    docs, url = documents(tmp_path / "docs", chunks=40), sqlite_target.fresh()
    with begin(order(docs, url, "--batch-size", "1")) as first:
        wait_until(lambda: bool(_tokens(url)), "the first run has its lease")
        _stop_inside(first, url)
        ended = done(order(docs, url, "--wait", "10"), code=4)
        assert f"process {first.pid} on " in json.loads(ended.said("out"))["held_by"]
        first.send(signal.SIGKILL)
        first.ended()
        done(order(docs, url))
    check_sound(url, tmp_path)


def _stop_inside(process: Forked, url: str) -> None:
    """Stop a process where it has the file locked."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)) as file:
        for _ in range(500):
            process.send(signal.SIGSTOP)
            time.sleep(0.005)
            try:
                file.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return
            file.execute("ROLLBACK")
            process.send(signal.SIGCONT)
            time.sleep(0.003)
    pytest.fail("it was never inside a transaction")


CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.fixture
def contained() -> Callable[..., subprocess.Popen[str]]:
    """Begins a command as process 1 of a container of its own."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare, of Linux")
    if subprocess.run([*CONTAINER, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system lets us make no namespaces")

    def contained(given: Order, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*CONTAINER, sys.executable, "-m", "batchwright", *given.arguments],
            cwd=given.cwd,
            env={**os.environ, "PYTHONPATH": str(SOURCE), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return contained


Contained = Callable[..., "subprocess.Popen[str]"]


def _code(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=60)
    return process.returncode


def test_a_container_does_not_rob_the_machine(target: Target, tmp_path: Path, contained: Contained) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    with Gated(order(docs, url)) as first:
        first.reached()
        assert _code(contained(order(docs, url))) == 4
        first.killed()
        assert _code(contained(order(docs, url))) == 4, "nobody in a container can tell that it has ended"
        done(order(docs, url))


def test_two_containers_do_not_rob_each_other(target: Target, tmp_path: Path, contained: Contained) -> None:
    docs, url, gate = documents(tmp_path / "docs"), target.fresh(), tmp_path / "gate"
    gate.mkdir()
    gated = order(docs, url, "--plugin", str(PLUGIN))
    first = contained(gated, GATE=str(gate), GATE_AT="2", GATE_SIZE="5")
    try:
        wait_until(lambda: (gate / "reached").exists(), "the run has reached its gate")
        other = contained(order(docs, url))
        out, _ = other.communicate(timeout=60)
        assert other.returncode == 4
        assert json.loads(out)["held_by"].startswith("process 1 on "), "as is the one that asks"
        first.kill()
        first.communicate(timeout=30)
        assert _code(contained(order(docs, url))) == 4, "it has the number of a process that has ended"
        done(replace(order(docs, url), times=LeaseTimes()), code=4)
        done(order(docs, url, "--wait", "10"))
    finally:
        first.kill()
        first.communicate(timeout=30)
    check_sound(url, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_the_real_times_a_run_that_was_killed_elsewhere_is_replaced_within_90_seconds(
    target: Target, tmp_path: Path
) -> None:
    docs, url = documents(tmp_path / "docs"), target.fresh()
    real = LeaseTimes()
    with Gated(replace(order(docs, url), owner=ELSEWHERE, times=real)) as first:
        first.reached()
        first.killed()
        done(replace(order(docs, url), times=real), code=4)
        began = time.monotonic()
        done(replace(order(docs, url, "--wait", "90"), times=real))
        assert 50 < time.monotonic() - began < 90
    check_sound(url, tmp_path)
