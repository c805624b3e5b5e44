"""The file for the node_exporter's textfile collector."""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest
from batchwright import (
    Account,
    BatchwrightError,
    ConfigError,
    DocumentCounts,
    RecordCounts,
    Reporter,
    ReporterOptions,
)
from batchwright.contracts import events
from batchwright.testing import ScriptedTarget, make_corpus
from prometheus_client.parser import text_string_to_metric_families

from batchwright_prometheus import PrometheusOptions, PrometheusReporter
from batchwright_prometheus.metrics import MOST_VALUES

STARTED = events.RunStarted("r1", "docs", "scripted://kb", "docs")
ACCOUNT = Account(
    RecordCounts(written=3), DocumentCounts(added=1), records_seen=3, documents_seen=1, batches=1
)
FINISHED = events.RunFinished("r1", "done", ACCOUNT)


def make(path: Path, **options: float) -> PrometheusReporter:
    return PrometheusReporter(PrometheusOptions.model_validate({"textfile": path, **options}))


def read(path: Path) -> dict[str, float]:
    families = text_string_to_metric_families(path.read_text("utf-8"))
    found = {}
    for sample in (sample for family in families for sample in family.samples):
        labels = sorted(value for name, value in sample.labels.items() if name != "collection")
        found[f"{sample.name}{labels or ''}"] = sample.value
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def test_after_a_run_the_file_holds_the_account(tmp_path: Path) -> None:
    path = tmp_path / "batchwright.prom"
    result = ScriptedTarget().run(make_corpus(tmp_path / "docs"), make(path), batch_size=5)
    found = read(path)
    for state, number in result.account.as_dict()["records"].items():
        assert found[f"batchwright_records_total['{state}']"] == number
        assert found[f"batchwright_last_run_records['{state}']"] == number
    assert abs(found["batchwright_last_run_timestamp_seconds"] - time.time()) < 60
    assert found["batchwright_running"] == 0


def test_others_may_read_the_file_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        reporter = make(tmp_path / "b.prom")
        reporter.handle(STARTED)
        reporter.close()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "b.prom").stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [tmp_path / "b.prom"]


def test_the_file_is_written_now_and_then_while_the_run_goes_on(tmp_path: Path) -> None:
    reporter = make(tmp_path / "b.prom", interval=0.1)
    reporter.handle(STARTED)
    assert read(tmp_path / "b.prom")["batchwright_running"] == 1
    reporter.handle(events.BatchWritten(0, 7, 70, 0.1))
    wait_for(lambda: read(tmp_path / "b.prom")["batchwright_run_records['written']"] == 7)
    reporter.close()


def test_no_reader_ever_finds_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "b.prom"
    reporter = make(path, interval=0.1)
    reporter.handle(STARTED)
    size = len(read(path))
    ended = threading.Event()
    halves: list[int] = []

    def look() -> None:
        while not ended.is_set():
            if len(read(path)) < size:
                halves.append(len(read(path)))

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(100):
        reporter.handle(FINISHED)
    ended.set()
    for reader in readers:
        reader.join()
    reporter.close()
    assert halves == []


def test_the_last_run_stays_in_the_file_while_the_next_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "b.prom"
    first = make(path)
    first.handle(STARTED)
    first.handle(FINISHED)
    first.close()
    before = {name: value for name, value in read(path).items() if "last_run" in name}
    second = make(path)
    second.handle(STARTED)
    after = read(path)
    assert before
    assert {name: value for name, value in after.items() if "last_run" in name} == before
    assert (after["batchwright_running"], after["batchwright_records_total['written']"]) == (1, 3)
    second.close()
    assert read(path)["batchwright_last_run_success"] == 0  # it ended without an account


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe not text",
        b"batchwright_last_run_success what\n",
        b'batchwright_last_run_records{a="b",c="d"} 3\n',
        b"batchwright_last_run_success{",
        b"",
    ],
)
def test_a_file_of_someone_else_is_replaced(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.prom").write_bytes(content)
    reporter = make(tmp_path / "b.prom")
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    reporter.close()
    assert read(tmp_path / "b.prom")["batchwright_last_run_success"] == 1


def test_a_file_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    reporter = make(tmp_path / "missing" / "b.prom")
    with pytest.raises(BatchwrightError, match=r"b\.prom: No such file.*folder must be there"):
        reporter.handle(STARTED)
    reporter.close()


def test_a_folder_that_goes_away_costs_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    reporter = make(folder / "b.prom", interval=0.1)
    reporter.handle(STARTED)
    folder.rename(tmp_path / "gone")
    wait_for(lambda: bool(caplog.records))
    time.sleep(0.3)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    (tmp_path / "gone").rename(folder)
    reporter.handle(FINISHED)
    reporter.close()
    assert read(folder / "b.prom")["batchwright_last_run_success"] == 1


def test_closing_twice_leaves_the_file_and_no_thread(tmp_path: Path) -> None:
    threads = threading.active_count()
    reporter = make(tmp_path / "b.prom")
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    reporter.close()
    reporter.close()
    assert (tmp_path / "b.prom").exists()
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "set port"),
        ({"textfile": "metrics.txt"}, r"must end in \.prom"),
        ({"port": 65536}, "65535"),
        ({"port": 0, "linger": -1}, "greater than or equal to 0"),
        ({"textfile": "a.prom", "interval": 0}, "greater than or equal to 0.1"),
        ({"port": 0, "prot": 1}, "prot"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        PrometheusOptions.model_validate(options)


def test_a_path_that_is_no_text_is_shown_as_far_as_it_can_be(tmp_path: Path) -> None:
    reporter = make(tmp_path / "b.prom")
    reporter.handle(events.RunStarted("r1", "docs\udcff", "scripted://kb", "docs"))
    reporter.handle(events.RecordRejected("a.md", 0, "E\udcff" + "x" * 10_000, "", "x"))
    reporter.handle(FINISHED)
    reporter.close()
    text = (tmp_path / "b.prom").read_text("utf-8")
    assert 'source="docs?"' in text
    assert len(text) < 20_000


NOT_STARTED = events.RunNotStarted("docs", "scripted://kb", "docs", "refused", "builtins.OSError", 1)


def test_a_run_that_did_not_begin_is_no_success_and_wrote_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.prom"
    for event in (FINISHED, NOT_STARTED):
        reporter = make(path)
        if event is FINISHED:
            reporter.handle(STARTED)
        reporter.handle(event)
        reporter.close()
    found = read(path)
    assert found["batchwright_last_run_success"] == 0
    assert found["batchwright_last_run_exit_code"] == 1
    assert found["batchwright_last_run_records['written']"] == 0
    assert found["batchwright_records_total['written']"] == 3, "what the run before it wrote"
    assert (found["batchwright_runs_total['0']"], found["batchwright_runs_total['1']"]) == (1, 1)


def test_an_attempt_without_a_collection_is_settled_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "b.prom"
    reporter = make(path)
    reporter.handle(
        events.RunNotStarted("", "scripted://kb", "", "wrong", "batchwright.errors.ConfigError", 2)
    )
    reporter.close()
    assert 'last_run_exit_code{collection=""} 2.0' in path.read_text("utf-8")
    reporter = make(path)
    reporter.handle(STARTED)
    reporter.handle(FINISHED)
    reporter.close()
    assert 'collection=""' not in path.read_text("utf-8")


def test_two_processes_that_write_one_file_lose_none_of_each_others_counts(tmp_path: Path) -> None:
    path = tmp_path / "b.prom"
    reporters = [make(path, interval=0.1) for _ in range(3)]
    for reporter in reporters:
        reporter.handle(STARTED)
    threads = [threading.Thread(target=_finish_often, args=[reporter]) for reporter in reporters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(path)
    assert found["batchwright_records_total['written']"] == 3 * 3 * 20
    assert found["batchwright_runs_total['0']"] == 3 * 20


def _finish_often(reporter: PrometheusReporter) -> None:
    for _ in range(20):
        reporter.handle(FINISHED)
    reporter.close()


def test_of_endpoint_and_file_no_metric_is_in_both(tmp_path: Path) -> None:
    path = tmp_path / "b.prom"
    reporter = make(path, port=0, linger=20)
    ScriptedTarget().run(make_corpus(tmp_path / "docs"), _Staying(reporter), batch_size=5)
    assert reporter.url is not None
    with urlopen(reporter.url, timeout=5) as answer:
        served = answer.read().decode("utf-8")
    texts = (served, path.read_text("utf-8"))
    in_endpoint, in_file = (set(re.findall(r"^(batchwright_\w+)", text, re.MULTILINE)) for text in texts)
    reporter.close()
    assert in_endpoint & in_file == set()
    assert "batchwright_records_total" in in_file
    assert "batchwright_run_records" in in_endpoint


class _Staying(Reporter[ReporterOptions]):
    """Hands everything on but the close."""

    name = "staying"

    def __init__(self, reporter: PrometheusReporter) -> None:
        super().__init__(ReporterOptions())
        self._reporter = reporter

    def handle(self, event: events.Event) -> None:
        self._reporter.handle(event)


def test_labels_of_collections_stay_few_over_processes(tmp_path: Path) -> None:
    path = tmp_path / "b.prom"
    for number in range(MOST_VALUES + 3):
        reporter = make(path)
        reporter.handle(replace(NOT_STARTED, collection=f"c{number}"))
        reporter.close()
    text = path.read_text("utf-8")
    assert text.count("batchwright_last_run_success{") == MOST_VALUES + 1
    assert 'batchwright_last_run_success{collection="other"} 0.0' in text
