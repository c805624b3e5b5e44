"""The distribution: what it says of itself, what it uses, and that `batchwright run` works with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points, requires
from pathlib import Path
from typing import Any

import pytest
from batchwright import Account, DocumentCounts, PluginManager, RecordCounts, VectorAccount
from batchwright.contracts import events
from batchwright.testing import make_corpus
from batchwright.testing.imports import private_imports
from opentelemetry.sdk.metrics.export import Gauge, Histogram, Metric, Sum
from opentelemetry.semconv._incubating.attributes import db_attributes as db_incubating
from opentelemetry.semconv.attributes import (
    db_attributes,
    error_attributes,
    exception_attributes,
    server_attributes,
)
from recorded import Recorded

import batchwright_opentelemetry
from batchwright_opentelemetry import OpenTelemetryOptions, OpenTelemetryReporter
from batchwright_opentelemetry.target import _SYSTEMS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def eventful() -> Recorded:
    """A run in which a little of everything happened."""
    recorded = Recorded()
    reporter = recorded.reporter()
    account = Account(
        RecordCounts(written=3, rejected=1),
        DocumentCounts(added=1, unchanged=1),
        unfetched=1,
        removed=1,
        bytes_read=40,
        left_out={"no reader: .png": 2},
        vectors=VectorAccount(made=2, reused=1, texts=2, tokens=9, requests=1),
        batches=1,
        batches_failed=1,
        retries=1,
    )
    for event in (
        events.RunStarted("r1", "docs", "postgresql://db.example:5432/kb", "docs"),
        events.InputCounted(2, 40),
        events.BatchStarted(0, 3, 1.7e9),
        events.TextsEmbedded(2, 9, 0.1),
        events.BatchWritten(0, 3, 30, 0.1, vectors={"made": 2, "reused": 1}),
        events.BatchFinished(0, "stored", 0.1),
        events.DocumentsRead(1, 3, 40),
        events.DocumentsFinished("added", 1, 3, size=40),
        events.BatchStarted(2, 4, 1.7e9),
        events.BatchRetrying(2, 1, 1.0, "deadlock", "x", "40P01", "psycopg.OperationalError"),
        events.BatchRetrying(None, 1, 1.0, "refused", "x", "08006"),
        events.BatchSplit(2, 4, "bad"),
        events.RecordRejected("a.md", 0, "ValueError", "bad", "x", "22021", 0),
        events.OutageStarted("refused"),
        events.OutageEnded(1.0),
        events.BatchFailed(2, 4, "no", "x", 1, "42P01", error_type="psycopg.OperationalError"),
        events.BatchFinished(2, "failed", 0.1),
        events.StopRequested("SIGINT"),
        events.RunFinished("r1", "failed", account, "no"),
    ):
        reporter.handle(event)
    reporter.handle(events.RunStarted("r2", "docs", "sqlite:///kb.db", "docs"))
    reporter.handle(events.RunFinished("r2", "interrupted", Account(), "SIGINT"))
    reporter.close()
    return recorded


def test_only_public_names_of_batchwright_are_used() -> None:
    assert private_imports([ROOT / "src", ROOT / "tests"]) == []


def test_the_sdk_is_not_used_at_run_time() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert not re.search(
            r"^\s*(from|import) opentelemetry\.(sdk|exporter)", path.read_text("utf-8"), re.M
        )
    needed = [line for line in requires("batchwright-opentelemetry") or () if "extra ==" not in line]
    assert sorted(re.split(r"[<>=]", line)[0] for line in needed) == ["batchwright", "opentelemetry-api"]


def test_the_public_names_are_these() -> None:
    assert batchwright_opentelemetry.__all__ == ["OpenTelemetryOptions", "OpenTelemetryReporter"]


def test_the_entry_point_offers_the_reporter() -> None:
    [point] = [point for point in entry_points(group="batchwright") if point.name == "opentelemetry"]
    assert point.dist is not None
    assert point.dist.name == "batchwright-opentelemetry"
    section = {"batch_spans": False}
    reporter = PluginManager.load().make("reporter", "opentelemetry", {"opentelemetry": section})
    assert isinstance(reporter, OpenTelemetryReporter)
    assert reporter.options == OpenTelemetryOptions(batch_spans=False)


def test_finding_the_plugin_does_not_import_opentelemetry() -> None:
    code = "import batchwright_opentelemetry.plugin, sys; print('opentelemetry' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_attributes_are_those_of_the_conventions_or_our_own(eventful: Recorded) -> None:
    conventions = {
        value
        for module in (db_attributes, error_attributes, exception_attributes, server_attributes)
        for name, value in vars(module).items()
        if name.isupper()
    }
    used: set[str] = set()
    for span in eventful.spans():
        used.update(span.attributes or ())
        for event in span.events:
            used.update(event.attributes or ())
    for metric in eventful.metrics().values():
        for point in metric.data.data_points:
            used.update(point.attributes or ())
    assert {name for name in used if not name.startswith("batchwright.")} <= conventions
    assert {name for name in used if name.startswith("db.")}
    for name in used:
        assert re.fullmatch(r"[a-z]+([._][a-z]+)*", name), name


def test_systems_are_those_of_the_conventions() -> None:
    assert set(_SYSTEMS.values()) <= {value.value for value in db_incubating.DbSystemNameValues}


def test_names_and_units_of_metrics_follow_the_conventions(eventful: Recorded) -> None:
    for name, metric in eventful.metrics().items():
        assert re.fullmatch(r"batchwright(\.[a-z]+(_[a-z]+)*)+", name), name
        assert not name.endswith(("total", "count", "seconds", "bytes")), name
        assert metric.unit in ("s", "By") or re.fullmatch(r"\{[a-z]+\}", metric.unit or ""), name
        assert (metric.description or "").endswith("."), name
        if name.endswith((".duration", ".time")):
            assert metric.unit == "s", name


def kind_of(metric: Metric) -> str:
    if isinstance(metric.data, Sum):
        return "counter" if metric.data.is_monotonic else "updowncounter"
    return {Histogram: "histogram", Gauge: "gauge"}.get(type(metric.data), "?")


def test_the_readme_lists_every_metric(eventful: Recorded) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| (\w+) \| `(s|By|\{\w+\})` \|([^|]*)\|", readme, re.MULTILINE)
    told = {
        (name, kind, unit, tuple(sorted(re.findall(r"`([\w.]+)`", keys)))) for name, kind, unit, keys in rows
    }
    found = {
        (
            name,
            kind_of(metric),
            metric.unit,
            tuple(sorted({key for point in metric.data.data_points for key in point.attributes or ()})),
        )
        for name, metric in eventful.metrics().items()
    }
    assert told == found


def test_the_readme_lists_every_span_event_and_attribute(eventful: Recorded) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    used: set[str] = set()
    for span in eventful.spans():
        used |= {span.name, *(span.attributes or ())}
        for event in span.events:
            used |= {event.name, *(event.attributes or ())}
    figures = re.compile(r"batchwright\.(records|documents)\.(?!written|added)")
    for name in used:
        short = f".{'.'.join(name.split('.')[1:])}"
        assert f"`{name}`" in readme or f"`{short}`" in readme or figures.match(name), name


def test_the_readme_lists_every_option() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", readme, re.MULTILINE))
    for name, field in OpenTelemetryOptions.model_fields.items():
        assert json.loads(rows[name]) == field.default, name


# --- the command ----------------------------------------------------------------------------------


def test_the_command_runs_with_it_under_opentelemetry_instrument(tmp_path: Path) -> None:
    make_corpus(tmp_path / "docs")
    settings = 'reporters = ["logging", "opentelemetry"]\n'
    (tmp_path / "batchwright.toml").write_text(settings, "utf-8")
    python = Path(sys.executable)
    command: list[str] = [str(python.with_name("opentelemetry-instrument")), str(python), "-m", "batchwright"]
    exporters = {"TRACES": "console", "METRICS": "console", "LOGS": "none"}
    environment = {**os.environ, **{f"OTEL_{key}_EXPORTER": value for key, value in exporters.items()}}
    done = subprocess.run(
        [*command, "run", "docs", "--to", "sqlite:///kb.db", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    values = list(documents(done.stderr))  # what exporters print is kept from the result
    [span] = [value for value in values if value.get("name") == "batchwright.run"]
    account = result["account"]
    assert span["attributes"]["batchwright.records.written"] == account["records"]["written"] > 0
    assert span["attributes"]["db.system.name"] == "sqlite"
    assert len([v for v in values if v.get("name") == "batchwright.batch"]) == account["batches"]
    last = [value for value in values if "resource_metrics" in value][-1]
    scopes = [scope for resource in last["resource_metrics"] for scope in resource["scope_metrics"]]
    metrics = {metric["name"]: metric for scope in scopes for metric in scope["metrics"]}
    [point] = metrics["batchwright.records"]["data"]["data_points"]
    assert point["value"] == account["records"]["written"]


def documents(text: str) -> Iterator[dict[str, Any]]:
    """Read one JSON value after the other."""
    decoder = json.JSONDecoder()
    text = text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:].strip()


def test_without_a_provider_the_command_says_so_and_runs(tmp_path: Path) -> None:
    make_corpus(tmp_path / "docs", 2)
    readme = (ROOT / "README.md").read_text("utf-8")
    [settings] = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "batchwright.toml").write_text(settings, "utf-8")
    command = [sys.executable, "-m", "batchwright", "run", "docs", "--to", "sqlite:///kb.db"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("OpenTelemetry is not set up") == 1


def test_the_code_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    make_corpus(tmp_path / "docs", 2)
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", readme, re.DOTALL):
        exec(compile(code, "README.md", "exec"), {})
