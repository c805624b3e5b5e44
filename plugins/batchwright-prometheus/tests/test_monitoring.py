"""The alerts and the dashboard, evaluated by a real Prometheus over runs that end in every way."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from batchwright import Account
from batchwright.testing import ScriptedTarget, fail_bad, make_corpus
from server import PROGRAM, PROMTOOL, Prometheus

from batchwright_prometheus import PrometheusOptions, PrometheusReporter, alerts, dashboard

SETTINGS = """
reporters = ["logging", "prometheus"]
to = "sqlite:///kb.db"
max_retries = 0
{more}
[reporter.prometheus]
textfile = "batchwright.prom"
interval = 0.2
"""

SLOW = """
import time
import batchwright

@batchwright.hookimpl
def batch_size(feedback, limits):
    time.sleep(60)
"""

needs_prometheus = pytest.mark.skipif(PROGRAM is None, reason="needs prometheus (apt-get install prometheus)")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="needs promtool (apt-get install prometheus)")


class Place:
    """A folder with settings, documents and the file of the reporter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.textfile = folder / "batchwright.prom"
        self.set()
        for name in ("docs", "other"):
            make_corpus(folder / name, 3)

    def set(self, more: str = "") -> None:
        (self.folder / "batchwright.toml").write_text(SETTINGS.format(more=more), "utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "batchwright", "run", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> int:
        process = self.start(*arguments)
        _, err = process.communicate(timeout=60)
        assert "Traceback" not in err, err
        return process.returncode

    def load_changed(self, number: int) -> Account:
        """Load documents that are all new or changed, bad records among them."""
        for document in (self.folder / "docs").iterdir():
            document.write_text(f"{document.read_text('utf-8')}\n\nChanged {number} times.\n", "utf-8")
        reporter = PrometheusReporter(PrometheusOptions(textfile=self.textfile))
        target = ScriptedTarget(fail_bad)
        return target.run(self.folder / "docs", reporter, batch_size=5).account


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def prometheus(place: Place) -> Iterator[Prometheus]:
    with Prometheus(place.folder / "prometheus", alerts(), place.textfile) as server:
        yield server


def exit_code(prometheus: Prometheus, collection: str = "docs") -> float | None:
    return prometheus.value(f'batchwright_last_run_exit_code{{collection="{collection}"}}')


@needs_prometheus
@pytest.mark.timeout(180)
def test_every_way_to_fail_raises_its_alert_and_a_good_run_ends_it(
    place: Place, prometheus: Prometheus
) -> None:
    assert place.run("docs") == 0
    prometheus.wait_for(lambda: exit_code(prometheus) == 0)
    assert prometheus.alerts() == set()
    ways = [
        (1, "docs", ["docs", "--to", "postgresql://127.0.0.1:1/kb"], ""),
        (2, "docs", ["docs", "--plugin", "missing.py"], ""),
        (2, "docs", ["docs"], "chunk_max_tokens = 0"),
        (2, "docs", ["docs"], '[reporter.logging]\nformat = "verse"'),
        (2, "gone", ["gone", "--collection", "gone"], ""),
    ]
    attempts = "sum(batchwright_runs_total)"
    for number, (code, collection, arguments, more) in enumerate(ways, start=2):
        place.set(more)
        assert place.run(*arguments) == code, arguments
        prometheus.wait_for_value(attempts, number)
        assert exit_code(prometheus, collection) == code
        assert prometheus.value(f'batchwright_last_run_success{{collection="{collection}"}}') == 0
        prometheus.wait_for_alert("BatchwrightRunFailed", collection)
    place.set()
    assert place.run("docs") == 0
    prometheus.wait_for(lambda: prometheus.alerts() == {("BatchwrightRunFailed", "gone")})


@needs_prometheus
def test_a_run_of_one_collection_hides_nothing_of_another(place: Place, prometheus: Prometheus) -> None:
    (place.folder / "docs" / "bytes.md").write_bytes(b"# A \xff byte\n")
    assert place.run("docs") == 3
    assert place.run("other") == 0
    prometheus.wait_for(lambda: exit_code(prometheus, "other") == 0)
    prometheus.wait_for(lambda: prometheus.alerts() == {("BatchwrightRecordsRejected", "docs")})
    assert prometheus.value('batchwright_runs_total{exit_code="3"}') == 1
    assert prometheus.value('batchwright_runs_total{exit_code="0"}') == 1


@needs_prometheus
@pytest.mark.timeout(180)
def test_a_killed_run_is_noticed_and_a_busy_one_costs_it_nothing(
    place: Place, prometheus: Prometheus
) -> None:
    (place.folder / "slow.py").write_text(SLOW)
    running = place.start("docs", "--plugin", "slow.py")
    try:
        prometheus.wait_for(lambda: prometheus.value("batchwright_running") == 1)
        assert place.run("docs") == 4
        prometheus.wait_for(lambda: exit_code(prometheus) == 4)
        assert prometheus.value("batchwright_running") == 1
        died = "batchwright_running == 1 and time() - batchwright_last_seen_timestamp_seconds > 120"
        rules = {rule["alert"]: rule["expr"] for rule in yaml.safe_load(alerts())["groups"][0]["rules"]}
        assert rules["BatchwrightRunDied"] == died
        assert prometheus.alerts() == {("BatchwrightCollectionBusy", "docs")}
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=20)
    time.sleep(1)
    assert prometheus.value(died) is None
    assert prometheus.value(died, later=130) == 1
    run = next(panel for panel in dashboard()["panels"] if panel["title"] == "Run")
    shown = filled(run["targets"][0]["expr"])
    assert (prometheus.value(shown), prometheus.value(shown, later=130)) == (1, 2)
    assert place.run("other") == 0
    prometheus.wait_for(lambda: prometheus.value('batchwright_running{collection="other"}') == 0)
    assert prometheus.value(died, later=130) == 1, "another collection's run hides it"
    assert place.run("docs") == 0
    prometheus.wait_for(lambda: prometheus.value('batchwright_running{collection="docs"}') == 0)
    assert prometheus.value(died, later=130) is None
    assert prometheus.value('batchwright_runs_total{exit_code="4"}') == 1


@needs_prometheus
def test_counts_go_on_over_runs_so_that_increase_is_right(place: Place, prometheus: Prometheus) -> None:
    name = 'batchwright_records_total{state="rejected"}'
    born = f"({name} unless {name} offset 1h) or increase({name}[1h])"
    total = first = 0
    for number in range(3):
        total += place.load_changed(number).records.rejected
        first = first or total
        prometheus.wait_for_value(name, total)
        now = prometheus.value(born)
        assert now is not None
        assert total <= now < total + 0.5
    grown = prometheus.value(f"increase({name}[1m])")
    assert grown is not None
    assert total - first <= grown < total - first + 0.5, "the first run's have no value before them"
    errors = prometheus.query("sum by (error) (batchwright_rejects_total)")
    assert sum(value for _, value in errors) == total > 0


# --- the dashboard --------------------------------------------------------------------------------


def filled(query: str) -> str:
    """A query of the dashboard, as Grafana asks it."""
    query = query.replace('job=~"$job", instance=~"$instance"', 'job=~".*", instance=~".*"')
    return query.replace("$__rate_interval", "30s")


@needs_prometheus
def test_every_panel_shows_what_the_account_says(place: Place, prometheus: Prometheus) -> None:
    before = place.load_changed(0)
    prometheus.wait_for(lambda: exit_code(prometheus) == 3)
    account = place.load_changed(1)
    total = before.records.written + account.records.written
    written = f'batchwright_records_total{{state="written"}} == {total}'
    prometheus.wait_for(lambda: prometheus.query(written))
    shown = {
        panel["title"]: [prometheus.query(filled(part["expr"])) for part in panel["targets"]]
        for panel in dashboard()["panels"]
    }
    assert {title for title, parts in shown.items() if not all(parts)} == {"Faults"}, "there were none"
    by_state = {labels["state"]: value for labels, value in shown["Records"][0]}
    assert by_state == account.as_dict()["records"]
    by_state = {labels["state"]: value for labels, value in shown["Documents"][0]}
    assert by_state == account.as_dict()["documents"]
    assert sum(value for _, value in shown["Rejects"][0]) == account.records.rejected > 0
    assert [value for _, value in shown["Run"][0]] == [0]
    assert [value for _, value in shown["Last run"][0]] == [3]
    assert [value for _, value in shown["Progress"][0]] == [1]
    assert [value for _, value in shown["Last run took"][0]] == [account.seconds]
    assert all(0 <= value < 60 for _, value in shown["Since the last run"][0])
    assert all(0 < value < 1 for part in shown["Writes"] for _, value in part)
    [mean], [rate] = shown["Records written"]
    assert 0 < mean[1] <= 5
    assert rate[1] > 0


# --- the rules ------------------------------------------------------------------------------------

RULE_TESTS = """
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'batchwright_outage{job="node"}', values: '0x9 1x9'}
      - {series: 'batchwright_last_run_exit_code{collection="docs"}', values: '4x200'}
      - {series: 'batchwright_last_run_timestamp_seconds{collection="docs"}', values: '0x1700'}
      - {series: 'batchwright_last_run_timestamp_seconds{collection="long"}', values: '0x1700'}
      - {series: 'batchwright_running{collection="long"}', values: '1x1700'}
      - {series: 'batchwright_last_seen_timestamp_seconds{collection="long"}', values: '0+60x1700'}
    alert_rule_test:
      - {eval_time: 12m, alertname: BatchwrightSinkDown, exp_alerts: []}
      - eval_time: 16m
        alertname: BatchwrightSinkDown
        exp_alerts: [{exp_labels: {severity: warning, job: node}, exp_annotations: {summary: "%(SinkDown)s"}}]
      - {eval_time: 119m, alertname: BatchwrightCollectionBusy, exp_alerts: []}
      - eval_time: 121m
        alertname: BatchwrightCollectionBusy
        exp_alerts:
          - {exp_labels: {severity: warning, collection: docs}, exp_annotations: {summary: "%(Busy)s"}}
      - {eval_time: 25h, alertname: BatchwrightNoRun, exp_alerts: []}
      - eval_time: 27h
        alertname: BatchwrightNoRun
        exp_alerts:
          - {exp_labels: {severity: critical, collection: docs}, exp_annotations: {summary: "%(NoRun)s"}}
      - {eval_time: 27h, alertname: BatchwrightRunDied, exp_alerts: []}
"""
SUMMARIES = {
    "SinkDown": "The target has been down for five minutes, and a run waits for it.",
    "Busy": "No run has got docs for two hours: another one has it.",
    "NoRun": "No run into docs has ended for 1d 3h 0m 0s.",
}


@needs_promtool
def test_the_rules_do_what_they_should_over_time(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(alerts(), "utf-8")
    (tmp_path / "tests.yml").write_text(RULE_TESTS % SUMMARIES, "utf-8")
    assert PROMTOOL is not None
    for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "tests.yml"]):
        done = subprocess.run(
            [PROMTOOL, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_can_be_printed() -> None:
    command = [sys.executable, "-m", "batchwright_prometheus", "alerts"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == alerts()


def test_an_unknown_word_is_a_usage_error() -> None:
    command = [sys.executable, "-m", "batchwright_prometheus", "alarms"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "usage" in done.stderr
