"""Installed plugins that misbehave, each in a process of its own: the command goes on, and names them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.surroundings import without_settings

SOURCE = Path(__file__).parents[2] / "src"


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Installer = Callable[[str, str], None]
Runner = Callable[..., Outcome]


@pytest.fixture
def install(tmp_path: Path) -> Installer:
    """Install a plugin of this name and source, into a folder on the path of the commands."""

    def install(name: str, source: str) -> None:
        info = tmp_path / "site" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[batchwright]\n{name} = {name}\n")
        (tmp_path / "site" / f"{name}.py").write_text(textwrap.dedent(source))

    return install


@pytest.fixture
def batchwright(tmp_path: Path) -> Runner:
    """Run a command in a folder with two documents."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("peas", "beans"):
        (docs / f"{name}.md").write_text(f"# {name}\n\nSow {name} in spring.\n")

    def run(*arguments: str, **environ: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "batchwright", *arguments],
            cwd=tmp_path,
            env={**without_settings(), "PYTHONPATH": f"{tmp_path / 'site'}:{SOURCE}", **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


def load(batchwright: Runner, *more: str, **environ: str) -> Outcome:
    return batchwright("run", "docs", "--to", "sqlite:///kb.db", "--json", *more, **environ)


def rows(tmp_path: Path) -> int:
    with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM knowledge_base").fetchone()
    return int(count)


LOADING = {
    "exits": "import sys; sys.exit()",
    "interrupts": "raise KeyboardInterrupt",
    "ends_generators": "raise GeneratorExit",
    "is_mute": """
        class Mute(BaseException):
            def __str__(self):
                raise SystemExit(0)
        raise Mute
    """,
    "offers_half": """
        import batchwright, sys
        @batchwright.hookimpl
        def register_reporters():
            yield type("Good", (batchwright.Reporter,), {"name": "good", "handle": lambda *a: None})
            sys.exit(7)
    """,
    "offers_without_end": """
        import batchwright, itertools
        @batchwright.hookimpl
        def register_sinks():
            return itertools.repeat(None)
    """,
    "offers_a_text": """
        import batchwright
        @batchwright.hookimpl
        def register_sinks():
            return "a sink"
    """,
    "is_async": """
        import batchwright
        @batchwright.hookimpl
        async def classify_error(failure):
            return None
    """,
    "reports_async": """
        import batchwright
        class Modern(batchwright.Reporter):
            name = "modern"
            async def handle(self, event):
                pass
        @batchwright.hookimpl
        def register_reporters():
            return [Modern]
    """,
    "reads_nothing": """
        import batchwright
        class Reader(batchwright.Reader):
            name, version = "notes", 1
            def read(self, item, data):
                pass
        @batchwright.hookimpl
        def register_readers():
            return [Reader]
    """,
    "takes_something_else": """
        import batchwright
        @batchwright.hookimpl
        def batch_size(feedback, weather):
            return 7
    """,
}


@pytest.mark.parametrize("name", LOADING)
def test_one_that_can_not_load_is_left_out_and_named(
    name: str, install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install(name, LOADING[name])
    outcome = load(batchwright)
    assert (outcome.code, rows(tmp_path)) == (0, 2), outcome.err
    [fault] = outcome.json["plugins"]
    assert (fault["name"], fault["kind"]) == (name, "plugin")
    assert "is left out" in fault["what"]
    assert name in outcome.err
    assert "Traceback" not in outcome.err


PRINTING = {
    "prints": "print('vendor plugin loaded')",
    "writes": "import os; os.write(1, b'vendor plugin loaded\\n')",
    "calls_c": "import ctypes; ctypes.CDLL(None).puts(b'vendor plugin loaded')",
    "starts_others": "import subprocess; subprocess.run(['echo', 'vendor plugin loaded'])",
    "prints_in_the_end": "import atexit, os; atexit.register(os.write, 1, b'vendor plugin loaded\\n')",
}
HOOK = """
import batchwright

@batchwright.hookimpl
def batch_size():
    print("asked for a size")
"""


@pytest.mark.parametrize("name", PRINTING)
def test_what_one_prints_goes_to_stderr(name: str, install: Installer, batchwright: Runner) -> None:
    install(name, f"{PRINTING[name]}\n{HOOK}")
    outcome = load(batchwright)
    assert (outcome.code, outcome.json["state"], outcome.json["plugins"]) == (0, "done", [])
    assert "vendor plugin loaded" in outcome.err
    assert "asked for a size" in outcome.err
    assert "vendor" not in outcome.out
    for command in (["plugins", "--json"], ["plan", "docs", "--to", "sqlite:///kb.db", "--json"]):
        assert json.loads(batchwright(*command).out), command


ENDING = {
    "ends_at_import": "import os; os._exit(0)",
    "ends_in_a_thread": "import os, threading; threading.Thread(target=os._exit, args=(0,)).start()",
    "ends_at_the_end": "import atexit, os; atexit.register(os._exit, 7)",
    "ends_a_child": "import os; os.fork() or os._exit(7); os.wait()",
}


@pytest.mark.parametrize("name", ENDING)
def test_one_that_ends_the_process_does_not(
    name: str, install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install(name, f"{ENDING[name]}\n{HOOK}")
    outcome = load(batchwright)
    assert (outcome.code, outcome.json["state"], rows(tmp_path)) == (0, "done", 2)
    assert ("would end the command" in outcome.err) is (name != "ends_a_child")
    assert len(outcome.json["plugins"]) == (1 if name == "ends_at_import" else 0)


CLOSING = {
    "leaves_no_stream": "import sys; sys.stdout = sys.stderr = None",
    "closes_stdout": "import sys; sys.stdout.close()",
    "closes_both": "import os; os.close(1); os.close(2)",
    "closes_stderr": "import sys; sys.stderr.close()",
}


@pytest.mark.parametrize("name", CLOSING)
def test_what_one_closes_is_opened_again(
    name: str, install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install(name, f"{CLOSING[name]}\n{HOOK}")
    outcome = load(batchwright)
    assert (outcome.code, outcome.json["state"], rows(tmp_path)) == (0, "done", 2)
    assert (tmp_path / "kb.db").read_bytes().startswith(b"SQLite format 3\0")


def test_one_that_changes_the_directory_is_named_and_changes_nothing(
    install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install("wanders", f"import os; os.chdir('/')\n{HOOK}")
    outcome = load(batchwright)
    assert (outcome.code, rows(tmp_path)) == (0, 2), outcome.err
    assert [fault["name"] for fault in outcome.json["plugins"]] == ["wanders"]


@pytest.mark.parametrize("hook", ["sys.excepthook", "sys.unraisablehook", "threading.excepthook"])
def test_one_that_takes_the_hooks_of_errors_away_is_named_and_threads_still_start(
    hook: str, install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install("hooks", f"import sys, threading; {hook} = None\n{HOOK}")
    outcome = load(batchwright)
    assert (outcome.code, rows(tmp_path)) == (0, 2), outcome.err
    [fault] = outcome.json["plugins"]
    assert (fault["name"], hook in fault["what"]) == ("hooks", True)


ASKED = """
import sys, batchwright

@batchwright.hookimpl
def batch_size(feedback):
    {does}
"""


@pytest.mark.parametrize("does", ["sys.exit(0)", "raise KeyboardInterrupt", "raise BaseException(3)"])
def test_a_sizer_that_raises_anything_is_named_and_the_next_is_asked(
    does: str, install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install("tailor", ASKED.format(does=does))
    outcome = load(batchwright)
    assert (outcome.code, rows(tmp_path)) == (0, 2), outcome.err
    [fault] = outcome.json["plugins"]
    assert (fault["name"], fault["kind"]) == ("tailor", "sizer")
    in_words = batchwright("run", "docs", "--to", "sqlite:///other.db")
    assert "plugins that went wrong; the run went on:\n  sizer tailor: raised" in in_words.out


SINK = """
import sys, batchwright

class Store(batchwright.Store):
    def write(self, batch, receipt):
        {write}

class Away(batchwright.Sink):
    name, schemes = "away", ("away",)
    def open(self, record_type=None, *, create=True):
        {open}

@batchwright.hookimpl
def register_sinks():
    return [Away]
"""


@pytest.mark.parametrize("place", ["open", "write"])
@pytest.mark.parametrize("does", ["sys.exit(0)", "raise KeyboardInterrupt", "raise GeneratorExit"])
def test_a_sink_that_raises_anything_fails_the_run_by_name(
    place: str, does: str, install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install("faraway", SINK.format(**{"open": "return Store()", "write": "pass", place: does}))
    ledger = str(tmp_path / "ledger.db")
    outcome = batchwright("run", "docs", "--to", "away://x", "--json", BATCHWRIGHT_LEDGER=ledger)
    assert outcome.code == 1, outcome.err
    assert outcome.json["state"] == "failed"
    assert "the sink 'away' raised" in outcome.err


def test_a_store_that_is_async_is_refused_and_not_taken_to_have_stored(
    install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    source = SINK.format(open="return Store()", write="pass").replace("def write", "async def write")
    install("modern", source)
    ledger = str(tmp_path / "ledger.db")
    outcome = batchwright("run", "docs", "--to", "away://x", "--json", BATCHWRIGHT_LEDGER=ledger)
    assert outcome.code == 1
    assert "Store.write is async" in outcome.err


def test_a_reporter_that_can_not_be_made_is_left_out(
    install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install(
        "stillborn",
        """
        import sys, batchwright
        class Stillborn(batchwright.Reporter):
            name = "stillborn"
            def __init__(self, options):
                sys.exit("no licence")
            def handle(self, event):
                pass
        @batchwright.hookimpl
        def register_reporters():
            return [Stillborn]
        """,
    )
    outcome = load(batchwright, BATCHWRIGHT_REPORTERS="stillborn")
    assert (outcome.code, rows(tmp_path)) == (0, 2), outcome.err
    [fault] = outcome.json["plugins"]
    assert fault["what"].startswith("raised SystemExit: no licence while it was made")


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "hangs", ["time.sleep(3600)", "threading.Event().wait()", "[0 for _ in iter(int, 1)]"]
)
def test_one_that_hangs_while_it_is_loaded_is_named_and_interrupted(
    hangs: str, install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install("sleepy", f"import threading, time\n{hangs}\n")
    outcome = load(batchwright)
    assert (outcome.code, rows(tmp_path)) == (0, 2), outcome.err
    assert "BATCHWRIGHT_DISABLE_PLUGINS=sleepy" in outcome.err
    [fault] = outcome.json["plugins"]
    assert "still loading after 30 s" in fault["what"]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_threads_that_one_leaves_running_do_not_keep_the_process(
    install: Installer, batchwright: Runner, tmp_path: Path
) -> None:
    install("lingers", f"import threading\nthreading.Thread(target=threading.Event().wait).start()\n{HOOK}")
    outcome = load(batchwright)
    assert (outcome.code, outcome.json["state"], rows(tmp_path)) == (0, "done", 2)
    assert "the process did not end for 30 s" in outcome.err
