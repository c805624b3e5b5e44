"""Real runs: done, with rejects, failed, interrupted, killed, with nothing to load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batchwright import Batch, ConfigError
from batchwright.testing import ScriptedTarget, fail_bad, fail_times, make_corpus
from reading import Page

from batchwright_report import HtmlReporter, ReportOptions
from batchwright_report.place import GENERATOR

SLOW = """
import time

import batchwright
from batchwright.contracts.sink import Store


class SlowStore(Store):
    def write(self, batch, receipt):
        time.sleep(0.2)


class SlowSink(batchwright.Sink[batchwright.SinkOptions]):
    name, schemes = "slow", ("slow",)

    def open(self, record_type=None, *, create=True):
        return SlowStore()


@batchwright.hookimpl
def register_sinks():
    return [SlowSink]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.html"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "docs")


def page_of(target: ScriptedTarget, corpus: Path, path: Path, **settings: object) -> Page:
    target.run(corpus, HtmlReporter(ReportOptions(path=path)), **settings)
    return Page(path.read_text("utf-8"))


def test_a_run_that_is_done(path: Path, corpus: Path) -> None:
    page = page_of(ScriptedTarget(), corpus, path, batch_size=5)
    assert page.title == "Done"
    assert page.problems() == []
    assert page.counts("documents")["added"] == 12
    assert "hunter2" not in page.source
    slowest = page.table("Slowest batches")
    assert all(".md" in row[-1] for row in slowest)
    assert sum(int(row[2]) for row in page.table("What happened when")) == int(
        page.table("Other figures")[0][1]
    )


def test_bad_records(path: Path, corpus: Path) -> None:
    page = page_of(ScriptedTarget(fail_bad), corpus, path, batch_size=5)
    assert page.title == "Done, but 4 records set aside"
    assert page.problems()[0] == "4 records set aside: a bad record (ValueError)"
    named = page.table("Records set aside, each with its place")
    assert [row[:2] for row in named] == [[f"{number:03}.md", "1"] for number in (0, 3, 6, 9)]


def test_retries(path: Path, corpus: Path) -> None:
    away = fail_times(3, lambda: ConnectionError("gone away"))
    page = page_of(ScriptedTarget(away), corpus, path, batch_size=5)
    assert page.title == "Done"
    assert page.problems() == ["3 retries: gone away (ConnectionError)"]


def test_a_failure_that_ends_the_run(path: Path, corpus: Path) -> None:
    def fault(batch: Batch[object]) -> None:
        if batch.batch_index == 3:
            raise RuntimeError('relation "kb" does not exist')

    page = page_of(ScriptedTarget(fault), corpus, path, batch_size=5)
    assert page.title == "Failed"
    assert 'relation "kb" does not exist' in page.problems()[0]
    assert page.problems()[0].startswith("1 batch could not be stored (5 records)")
    assert page.counts("records")["not_attempted"] > 0


# --- the command ----------------------------------------------------------------------------------


def command(cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "batchwright", *arguments]
    return subprocess.run(
        line, cwd=cwd, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ}
    )


def test_the_option_of_the_command_writes_the_page(path: Path, corpus: Path, tmp_path: Path) -> None:
    done = command(tmp_path, "run", "docs", "--to", "sqlite:///kb.db", "--report", "run.html", "--json")
    assert done.returncode == 0, done.stderr
    account = json.loads(done.stdout)["account"]
    page = Page(path.read_text("utf-8"))
    assert page.title == "Done"
    for noun in ("documents", "records"):
        counts = page.counts(noun)
        assert {state: counts[state] for state in account[noun]} == account[noun]
    assert command(tmp_path, "run", "docs", "--to", "sqlite:///kb.db", "--report", "run.html").returncode == 0
    assert Page(path.read_text("utf-8")).counts("documents")["unchanged"] == 12


def test_several_sources_have_a_page_each(path: Path, corpus: Path, tmp_path: Path) -> None:
    make_corpus(tmp_path / "more", 2)
    done = command(tmp_path, "run", "docs", "more", "--report", "{collection}.html", "-q")
    assert done.returncode == 0, done.stderr
    added = {
        name: Page((tmp_path / f"{name}.html").read_text("utf-8")).counts("documents")
        for name in ("docs", "more")
    }
    assert (added["docs"]["added"], added["more"]["added"]) == (12, 2)


def test_a_run_that_finds_nothing(path: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.png").touch()
    assert command(tmp_path, "run", "docs", "--report", "run.html").returncode == 2
    page = Page(path.read_text("utf-8"))
    assert page.title == "Nothing to load"
    assert page.table("What was left out, by reason") == [["no reader: .png", "1", "a.png"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--batch-size", "0"], "--batch-size: should be greater than or equal to 1"),
        (["--bacth-size", "3"], "No such option: --bacth-size"),
        (
            ["--to", "postgresql://me:hunter2@127.0.0.1:1/kb", "--executor", "nobody"],
            "no executor has this name",
        ),
        (["--plugin", "missing.py"], "missing.py"),
    ],
)
def test_a_page_of_yesterday_does_not_stay_where_settings_are_wrong(
    arguments: list[str], said: str, path: Path, corpus: Path, tmp_path: Path
) -> None:
    path.write_text(f"{GENERATOR} yesterday", "utf-8")
    assert command(tmp_path, "run", "docs", "--report", "run.html", *arguments).returncode == 2
    page = Page(path.read_text("utf-8"))
    assert page.title == "Not started"
    assert said in page.one("p", "reason").text
    assert "hunter2" not in page.source


def test_a_file_that_cannot_be_written_ends_the_command_before_the_run(corpus: Path, tmp_path: Path) -> None:
    done = command(tmp_path, "run", "docs", "--report", "missing/run.html")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: --report: the report can't be written to missing/run.html: the folder"
    )
    assert not (tmp_path / "batchwright.db").exists()


def test_a_folder_that_goes_away_meanwhile_costs_the_page_and_no_data(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    plugin = "import shutil\nimport batchwright\n\n@batchwright.hookimpl\ndef prepare_document(document):\n"
    plugin += f"    shutil.rmtree({str(tmp_path / 'pages')!r}, ignore_errors=True)\n"
    (tmp_path / "remover.py").write_text(plugin, "utf-8")
    done = command(tmp_path, "run", "docs", "--report", "pages/run.html", "--plugin", "remover.py", "--json")
    result = json.loads(done.stdout)
    assert (done.returncode, result["state"], result["account"]["documents"]["added"]) == (0, "done", 12)
    [fault] = result["plugins"]
    assert (fault["name"], fault["kind"]) == ("report", "reporter")
    assert "run.html: No such file or directory; the run is not affected" in fault["what"]


def begun(tmp_path: Path, path: Path) -> subprocess.Popen[str]:
    """A slow run, some batches of which are stored."""
    (tmp_path / "slow.py").write_text(SLOW, "utf-8")
    settings = '[reporter.report]\npath = "run.html"\ninterval = 1\n'
    (tmp_path / "batchwright.toml").write_text(
        f'reporters = ["report"]\nledger = "ledger.db"\n{settings}', "utf-8"
    )
    line = [sys.executable, "-m", "batchwright", "run", "docs", "--to", "slow://x", "--plugin", "slow.py"]
    process = subprocess.Popen(
        [*line, "--batch-size", "2"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 40
    while not path.exists() or not Page(path.read_text("utf-8")).counts("records").get("written"):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"no batch is stored: {process.communicate()}")
        time.sleep(0.05)
    return process


def test_a_run_that_is_interrupted(path: Path, corpus: Path, tmp_path: Path) -> None:
    process = begun(tmp_path, path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 130, err
    page = Page(path.read_text("utf-8"))
    assert page.title == "Interrupted"
    assert page.one("p", "reason").text == "SIGINT"
    assert page.counts("records")["written"] > 0
    assert page.counts("records")["not_attempted"] > 0


def test_a_run_that_is_killed_leaves_a_page_that_does_not_say_done(
    path: Path, corpus: Path, tmp_path: Path
) -> None:
    process = begun(tmp_path, path)
    process.kill()
    process.communicate(timeout=20)
    page = Page(path.read_text("utf-8"))
    assert page.title == "Not finished"
    assert page.counts("records")["written"] > 0
    assert not list(tmp_path.glob(".batchwright-*.tmp"))


def test_reading_the_settings_says_what_is_missing() -> None:
    with pytest.raises(ConfigError, match="path: is missing"):
        ReportOptions()  # type: ignore[call-arg]
