"""The command as such: help, version, usage errors, odd streams."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from batchwright.cli.main import execute
from batchwright.cli.terminal import Terminal
from tests.support.command import imported_by_runs
from tests.unit.cli.conftest import Command, Engine

SPAWN = [sys.executable, "-m", "batchwright"]


BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def spawn(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SPAWN, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        encoding="utf-8",
        errors="surrogateescape",
    )


def test_the_version_is_that_of_the_distribution(batchwright: Command) -> None:
    assert batchwright("--version").out == f"batchwright {version('batchwright')}\n"


def test_no_arguments_show_the_help_and_are_a_usage_error(batchwright: Command) -> None:
    outcome = batchwright()
    assert outcome.code == 2
    assert "Usage: batchwright" in outcome.out
    assert batchwright("--help").code == 0


def test_every_command_has_help(batchwright: Command) -> None:
    for command in ("run", "plan", "search", "status", "runs", "rejects", "verify", "plugins"):
        outcome = batchwright(command, "--help")
        assert outcome.code == 0
        assert outcome.out.startswith(f"Usage: batchwright {command}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "docs", "--batch-sise", "3"], "--batch-size"),
        (["run", "docs", "--batch-size", "many"], "'--batch-size'"),
        (["search", "a", "--limit"], "--limit"),
        (["search"], "TEXT"),
        (["runn"], "runn"),
    ],
)
def test_a_usage_error_is_a_message_with_a_way_to_help(
    batchwright: Command, arguments: list[str], message: str
) -> None:
    outcome = batchwright(*arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert message in outcome.err
    assert "--help" in outcome.err
    assert outcome.out == ""


def test_run_and_plan_show_what_they_share_in_the_same_order(batchwright: Command) -> None:
    shown = {}
    for command in ("run", "plan"):
        lines = batchwright(command, "--help").out.partition("Options:")[2].splitlines()
        shown[command] = [line.split()[0] for line in lines if line.startswith(("  --", "  -v"))]
    assert [option for option in shown["run"] if option in shown["plan"]] == shown["plan"]
    assert set(shown["run"]) > set(shown["plan"]) > {"--to", "--config", "--plugin", "--json", "-v,"}


def test_a_usage_error_is_json_too_when_that_is_asked_for(batchwright: Command) -> None:
    outcome = batchwright("run", "--json", "--batch-sise", "3")
    assert (outcome.json["exit_code"], outcome.json["error"]) == (2, "UsageError")


def test_interrupting_before_the_run_is_quiet(
    batchwright: Command, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("batchwright.cli.settings.load_config", interrupt)
    outcome = batchwright("run", "docs")
    assert outcome.code == 130
    assert "Traceback" not in outcome.err


def test_version_and_help_import_nothing_heavy() -> None:
    probe = (
        "import sys\nfrom batchwright.cli.main import execute\n"
        "heavy = ('psycopg', 'rich', 'toktok', 'yaml', 'pluggy')\n"
        "execute(['--version'])\n"
        "loaded = [name for name in ('pydantic', *heavy) if name in sys.modules]\n"
        "execute(['run', '--help'])  # typer itself takes pydantic for this\n"
        "print(loaded + [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


NEEDED_ELSEWHERE = {
    "the network": ("asyncio", "ssl", "http.client", "httpx"),
    "another library for metadata": ("importlib_metadata",),
    "a file of settings": ("tomllib",),
    "a ledger beside the sink": ("platformdirs",),
    "several sources, and words about them": ("batchwright.cli.several", "batchwright.cli.summary"),
    "tables, colours": ("rich",),
    "another database": ("psycopg", "batchwright.builtin.postgres.store"),
    "a large input, or a slow one": ("pickle", "batchwright.engine.reading.spool", "concurrent.futures"),
    "chunking": ("toktok", "yaml", "batchwright.documents.chunker", "batchwright.documents.structure"),
    "notebooks": ("batchwright.builtin.readers.notebook_format",),
    "records of a program": ("batchwright.engine.program.load", "batchwright.engine.program.records"),
    "writing": ("batchwright.engine.delivery.writer", "batchwright.sinkkit.sql_ledger.steps.receipt"),
    "vectors": ("numpy", "batchwright.engine.embedding.stage", "batchwright.builtin.sqlite.vectors"),
    "rows": ("batchwright.engine.rows.scan",),
    "search": (
        *("batchwright.sinkkit.search.normal", "batchwright.sinkkit.search.query"),
        *("batchwright.sinkkit.filters", "batchwright.builtin.sqlite.vector_search"),
    ),
    "reading in processes": ("multiprocessing", "concurrent.futures.process"),
}
"""What an unchanged run doesn't do, and the modules that it would take."""


def test_an_unchanged_run_imports_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "one.md").write_text("# One\n\nWords.\n", encoding="utf-8")
    arguments = ["run", str(tmp_path / "input"), "--to", f"sqlite:///{tmp_path / 'kb.db'}", "--quiet"]
    modules = {name for names in NEEDED_ELSEWHERE.values() for name in names}
    first, again = imported_by_runs(arguments, modules)
    assert "toktok" in first  # else the probe sees nothing
    assert again.splitlines()[-1] == "[0]"


def test_loading_the_plugins_imports_no_database() -> None:
    stores = ["psycopg", "batchwright.builtin.postgres.store", "batchwright.builtin.sqlite.store"]
    probe = (
        "import sys\nfrom batchwright import PluginManager\n"
        f"sinks = PluginManager.load().sinks()\nprint(len(sinks) > 1, *({{*{stores}}} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n"


def test_the_module_is_the_command() -> None:
    done = spawn("--version")
    assert (done.returncode, done.stdout) == (0, f"batchwright {version('batchwright')}\n")


@pytest.mark.parametrize("said", [["plugins"], ["--help"], ["run", "--help"], ["--version"]])
def test_a_reader_that_leaves_early_is_no_error(said: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*SPAWN, *said], stdout=writing, stderr=subprocess.PIPE, env=BUFFERED, timeout=60, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_can_not_be_written_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*SPAWN, "plugins"], stdout=full, stderr=subprocess.PIPE, env=BUFFERED, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"error: the output can't be written: No space left on device\n"


@pytest.mark.parametrize(
    "environ", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}]
)
def test_names_that_the_terminal_can_not_show_are_escaped(environ: dict[str, str]) -> None:
    done = spawn("run", "d\N{LATIN SMALL LETTER E WITH ACUTE}\udcff", **environ)
    assert done.returncode == 2
    assert "error: no such file or directory: d" in done.stderr
    assert "Traceback" not in done.stderr


def test_closed_streams_do_no_harm() -> None:
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m batchwright --version >&- 2>&-"], timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize("output", ["&-", "/dev/full"])
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("plugins --json", 1, "error: the output can't be written: "),
        ("run gone --json", 2, "error: no such file or directory: gone; "),
    ],
)
def test_json_that_can_not_be_written_fails_and_nobody_sees_a_traceback(
    output: str, arguments: str, code: int, said: str
) -> None:
    if output == "/dev/full" and not Path(output).exists():
        pytest.skip("there is no such device")
    command = f"{sys.executable} -m batchwright {arguments} >{output}"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_styles_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = FakeTerminal()
    monkeypatch.setattr(sys, "stdout", stream)
    Terminal().say(Terminal().style("x", "bold"))
    assert stream.getvalue() == "\x1b[1mx\x1b[0m\n"
    assert Terminal().style("x", "bold", io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Terminal().style("x", "bold", FakeTerminal()) == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert Terminal().style("x", "bold", FakeTerminal()) == "x"


def test_passwords_are_known_before_anything_is_parsed() -> None:
    terminal = Terminal.of(
        ["run", "--to=x://me:s3cret@h/", "-vv", "--json"],
        {"BATCHWRIGHT_TO": "y://me:other@h/", "PGPASSWORD": "third"},
    )
    assert terminal.mask("s3cret other third") == "*** *** ***"
    assert (terminal.json, terminal.verbosity) == (True, 2)
    assert not Terminal.of(["search", "--", "--json"], {}).json


def test_a_working_directory_that_is_gone_is_no_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    assert execute(["run", "docs"]) == 1
    assert capsys.readouterr().err == "error: the working directory is gone; change to one that is there\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_help_that_can_not_be_written_is_no_defect() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "batchwright", "--help"], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert ended.returncode == 1
    assert ended.stderr == b"error: the output can't be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_where_stderr_is_full_no_plugin_is_blamed(tmp_path: Path) -> None:
    (tmp_path / "fruit").mkdir()
    (tmp_path / "fruit/a.md").write_text("# Fruit")
    command = [sys.executable, "-m", "batchwright", "run", "fruit"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=full, timeout=60)
    assert ended.returncode == 0
    assert b"1 added" in ended.stdout
    assert b"went wrong" not in ended.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
@pytest.mark.parametrize(("words", "code"), [(["nosuch"], 2), (["plugins", "doctor"], 0)])
def test_where_stderr_is_full_a_command_ends_as_it_would(words: list[str], code: int) -> None:
    command = [sys.executable, "-m", "batchwright", *words]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, timeout=60)
    assert ended.returncode == code


@pytest.mark.parametrize("columns", ["", "0", "-5", "wide", "\N{SUPERSCRIPT TWO}"])
def test_a_width_that_is_none_is_passed_over(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert Terminal().columns > 0


INTERRUPTED = """
import atexit, os, signal, sys

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

class Interrupting:
    def find_spec(self, name, *_):
        if name == "typer":
            interrupt()

if sys.argv[1] == "start":
    sys.meta_path.insert(0, Interrupting())
else:
    atexit.register(interrupt)
sys.argv[1:] = ["--version"]
from batchwright.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("when", ["start", "end"])
def test_interrupting_the_start_or_the_end_leaves_no_traceback(when: str) -> None:
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED, when], capture_output=True, timeout=60)
    assert ended.returncode == -signal.SIGINT
    assert ended.stderr == b""
