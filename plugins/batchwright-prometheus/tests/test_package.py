"""The distribution: what it says of itself, what it uses, and that `batchwright run` works with it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from batchwright import PluginManager
from batchwright.contracts import events
from batchwright.testing import ScriptedTarget, fail_bad, make_corpus
from batchwright.testing.imports import private_imports
from prometheus_client.parser import text_string_to_metric_families

import batchwright_prometheus
from batchwright_prometheus import PrometheusOptions, PrometheusReporter, alerts, dashboard

ROOT = Path(__file__).parents[1]


@pytest.fixture
def registry_of_a_run(tmp_path: Path) -> Any:
    reporter = PrometheusReporter()
    ScriptedTarget(fail_bad).run(make_corpus(tmp_path / "docs"), reporter, batch_size=5)
    reporter.handle(events.BatchRetrying(0, 1, 0.0, "", "x", "40001", "app.Error"))
    reporter.handle(events.BatchRetrying(None, 1, 0.0, "", "x", "08006"))
    return reporter.registry


def exposed(registry: Any) -> dict[str, set[str]]:
    """The samples that there are, each with its labels."""
    found: dict[str, set[str]] = {}
    for sample in (sample for family in registry.collect() for sample in family.samples):
        found.setdefault(sample.name, set()).update(sample.labels)
    return {name: labels for name, labels in found.items() if not name.endswith("_created")}


def test_only_public_names_of_batchwright_are_used() -> None:
    assert private_imports([ROOT / "src", ROOT / "tests"]) == []


def test_the_public_names_are_these() -> None:
    names = ["PrometheusOptions", "PrometheusReporter", "alerts", "dashboard"]
    assert batchwright_prometheus.__all__ == names


def test_the_entry_point_offers_the_reporter() -> None:
    [point] = [point for point in entry_points(group="batchwright") if point.name == "prometheus"]
    assert point.dist is not None
    assert point.dist.name == "batchwright-prometheus"
    reporter = PluginManager.load().make("reporter", "prometheus", {"prometheus": {"port": 0}})
    assert isinstance(reporter, PrometheusReporter)
    assert reporter.options == PrometheusOptions(port=0)


def test_finding_the_plugin_imports_no_server() -> None:
    code = "import batchwright_prometheus.plugin, sys; print('prometheus_client' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_names_follow_the_conventions(registry_of_a_run: Any) -> None:
    for family in registry_of_a_run.collect():
        assert re.fullmatch(r"batchwright(_[a-z]+)+", family.name), family.name
        assert family.documentation.endswith("."), family.name
        for word in ("ms", "milliseconds", "minutes", "kilobytes", "percent", "counter", "gauge"):
            assert word not in family.name.split("_"), family.name
        totals = [sample.name for sample in family.samples if sample.name.endswith("_total")]
        assert bool(totals) == (family.type == "counter"), family.name


def test_the_readme_lists_every_metric_with_its_type_and_labels(registry_of_a_run: Any) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(batchwright_\w+)` \| (\w+) \|([^|]*)\|", readme, re.MULTILINE)
    told = {(name, kind, tuple(sorted(re.findall(r"`(\w+)`", labels)))) for name, kind, labels in rows}
    found = set()
    for family in registry_of_a_run.collect():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found.add((name, family.type, tuple(sorted(labels))))
    assert told == found


def test_the_readme_lists_every_option() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", readme, re.MULTILINE))
    for name, field in PrometheusOptions.model_fields.items():
        default = "none" if field.default is None else field.default
        assert rows[name].strip("`") == (f"{default:g}" if isinstance(default, float) else default), name


# --- the dashboard --------------------------------------------------------------------------------


def queries(values: dict[str, Any]) -> list[str]:
    found = [target["expr"] for panel in values["panels"] for target in panel["targets"]]
    for variable in values["templating"]["list"]:
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.*), \w+\)", variable["query"]["query"])
            assert match
            found.append(match.group(1))
    return found


def selectors(expression: Any) -> Iterator[Any]:
    """Walk a parsed query and yield its selectors."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for part in ("expr", "lhs", "rhs", "vector_selector", "vs"):
        inner = getattr(expression, part, None)
        if inner is not None and not isinstance(expression, promql_parser.VectorSelector):
            yield from selectors(inner)
    for argument in getattr(expression, "args", None) or []:
        yield from selectors(argument)


def parsed(query: str) -> Any:
    return promql_parser.parse(query.replace("$__rate_interval", "5m"))


def test_every_query_of_the_dashboard_is_of_metrics_and_labels_that_exist(registry_of_a_run: Any) -> None:
    known = exposed(registry_of_a_run)
    scraped = {"job", "instance"}  # what Prometheus adds
    asked: set[str] = set()
    for query in queries(dashboard()):
        found = list(selectors(parsed(query)))
        assert found, query
        for selector in found:
            asked.add(selector.name)
            assert selector.name in known, query
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= known[selector.name] | scraped, query
        for labels in re.findall(r"by \(([^)]*)\)", query):
            allowed = set.union(*(known[selector.name] for selector in found)) | scraped
            assert set(labels.split(", ")) <= allowed, query
    assert len(asked) > 12


def test_the_alerts_are_of_metrics_that_exist(registry_of_a_run: Any) -> None:
    [group] = yaml.safe_load(alerts())["groups"]
    for rule in group["rules"]:
        names = [selector.name for selector in selectors(parsed(rule["expr"]))]
        assert names
        assert set(names) <= set(exposed(registry_of_a_run))


def test_the_page_on_monitoring_shows_the_alerts_as_they_are() -> None:
    page = (ROOT.parents[1] / "docs" / "how-to" / "monitor.md").read_text("utf-8")
    assert f"```yaml\n{alerts()}```" in page


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    values = dashboard()
    panels = values["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells), "panels overlap"
    assert max(x for x, _ in cells) < 24
    variables = {variable["name"] for variable in values["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(values)))
    assert used == variables
    for panel in panels:
        assert panel["title"]
        assert panel["description"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def test_the_dashboard_can_be_printed() -> None:
    command = [sys.executable, "-m", "batchwright_prometheus"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == dashboard()


# --- the command ----------------------------------------------------------------------------------

SETTINGS = """
reporters = ["progress", "logging", "prometheus"]

[reporter.prometheus]
port = 0
textfile = "batchwright.prom"
"""


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "batchwright", *arguments]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_runs_with_it(tmp_path: Path) -> None:
    make_corpus(tmp_path / "docs")
    (tmp_path / "batchwright.toml").write_text(SETTINGS, "utf-8")
    done = command("run", "docs", "--to", "sqlite:///kb.db", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    account = json.loads(done.stdout)["account"]
    families = text_string_to_metric_families((tmp_path / "batchwright.prom").read_text("utf-8"))
    found = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
    for state, number in account["records"].items():
        assert found["batchwright_records_total", state] == number
    for state, number in account["documents"].items():
        assert found["batchwright_documents_total", state] == number
    assert account["records"]["written"] > 0


def test_the_command_names_the_option_that_is_wrong(tmp_path: Path) -> None:
    make_corpus(tmp_path / "docs", 1)
    (tmp_path / "batchwright.toml").write_text('reporters = ["prometheus"]\n', "utf-8")
    done = command("run", "docs", "--to", "sqlite:///kb.db", cwd=tmp_path)
    assert done.returncode == 2
    assert "in [reporter.prometheus] set port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("mistake", ["port", "folder"])
def test_a_place_that_cannot_be_had_costs_the_command_a_line_and_no_more(
    mistake: str, tmp_path: Path
) -> None:
    make_corpus(tmp_path / "docs", 2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        option, said = {
            "port": (f"port = {port}", rf"can't be served at http://127\.0\.0\.1:{port}/metrics: .*in use"),
            "folder": ('textfile = "missing/b.prom"', r"can't be written to missing.b\.prom: No such file"),
        }[mistake]
        settings = f'reporters = ["logging", "prometheus"]\n[reporter.prometheus]\n{option}\n'
        (tmp_path / "batchwright.toml").write_text(settings, "utf-8")
        done = command("run", "docs", "--to", "sqlite:///kb.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if "metrics" in line]
    assert re.search(said, line)
    assert "[reporter.prometheus]" in line


def test_the_code_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    make_corpus(tmp_path / "docs", 2)
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", readme, re.DOTALL):
        exec(compile(code, "README.md", "exec"), {})
    [settings] = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "batchwright.toml").write_text(re.sub(r"(port|linger) = \d+", r"\1 = 0", settings), "utf-8")
    done = command("run", "docs", "--to", "sqlite:///kb2.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
