"""The page about schedulers is true: its commands parse, its codes are ours, and what they call works."""

from __future__ import annotations

import configparser
import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from batchwright.cli.main import app
from batchwright.contracts import exits
from tests.support.pages import DOCS, blocks

PAGE = DOCS / "how-to" / "schedule.md"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with documents and the files of the page, to import from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / "docs" / "a.md").write_text("# Peas\n\nSow them in March.\n", "utf-8")
    for block in blocks(PAGE):
        if block.mark == "file":
            (tmp_path / block.what).write_text(block.text, "utf-8")
    yield tmp_path
    sys.modules.pop("loading", None)


def text_of(language: str, part: str = "") -> str:
    return next(block.text for block in blocks(PAGE) if block.language == language and part in block.text)


def parse(words: list[str]) -> None:
    """Check the options of a `batchwright run`; nothing is run."""
    assert words[:2] == ["batchwright", "run"]
    command = typer.main.get_command(app()).commands["run"]  # type: ignore[attr-defined]
    command.make_context("run", words[2:], resilient_parsing=False)


def test_the_table_has_every_exit_code_of_a_run() -> None:
    table = PAGE.read_text("utf-8").partition("| exit code |")[2].partition("\n\n")[0]
    found = {int(code) for first in re.findall(r"^\| ([\d, ]+) \|", table, re.M) for code in first.split(",")}
    signals = {exits.interrupted(number) for number in (1, 2, 15)}
    assert found == {exits.DONE, exits.FAILED, exits.USAGE, exits.REJECTS, exits.BUSY, *signals}


def test_the_command_of_cron_parses() -> None:
    [line] = [line for line in text_of("text", "cron.d").splitlines() if line.startswith("*/")]
    minute, hour, day, month, weekday, user, command = line.split(maxsplit=6)
    assert (minute, hour, day, month, weekday, user) == ("*/10", "*", "*", "*", "*", "loader")
    words = shlex.split(command.partition("&& ")[2])
    parse([Path(words[0]).name, *words[1:]])


def test_the_units_of_systemd_parse() -> None:
    service, timer = (configparser.ConfigParser(strict=True) for _ in range(2))
    service.read_string(text_of("ini", "[Service]"))
    timer.read_string(text_of("ini", "[Timer]"))
    words = shlex.split(service["Service"]["ExecStart"])
    parse([Path(words[0]).name, *words[1:]])
    assert service["Service"]["SuccessExitStatus"].split() == [str(exits.REJECTS), str(exits.BUSY)]
    assert service["Service"]["RestartPreventExitStatus"] == str(exits.USAGE)
    assert timer["Timer"]["OnCalendar"]


def test_the_job_of_kubernetes_is_whole() -> None:
    job = yaml.safe_load(text_of("yaml"))
    spec = job["spec"]["jobTemplate"]["spec"]
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    parse(container["args"])
    [rule] = spec["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [exits.USAGE, exits.REJECTS]
    assert pod["restartPolicy"] == "Never", "a policy of failures requires it"
    assert pod["terminationGracePeriodSeconds"] > 10


def test_what_schedulers_call_returns_the_account(here: Path) -> None:
    load_docs = importlib.import_module("loading").load_docs
    assert load_docs()["documents"]["added"] == 1
    assert load_docs()["documents"]["unchanged"] == 1
    (here / "docs" / "a.md").unlink()
    with pytest.raises(RuntimeError, match="exit code 2"):
        load_docs()
