"""`prepare_document`: what plugins make of documents, and what becomes of a plugin that errs."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import batchwright
from batchwright import BatchConfig, BatchProcessor, Document, LeftOut, RunResult
from batchwright.contracts.account import DocumentState


class Preparing:
    """A plugin that does as it is told."""

    def __init__(self, name: str, work: Callable[[Document], Any]) -> None:
        self.name = name
        self._work = work

    @batchwright.hookimpl
    def prepare_document(self, document: Document) -> Any:
        return self._work(document)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nalpha\n", "utf-8")
    (folder / "b.md").write_text("# B\n\nbeta\n", "utf-8")
    return folder


def run(folder: Path, *plugins: object, **settings: Any) -> RunResult:
    config = BatchConfig(source=folder, to=f"sqlite:///{folder.parent}/kb.db", reporters=(), **settings)
    return BatchProcessor(config, plugins=plugins).run()


def texts(folder: Path) -> dict[str, str]:
    with closing(sqlite3.connect(folder.parent / "kb.db")) as connection:
        return dict(connection.execute("SELECT source_file, chunk_text FROM knowledge_base"))


def of(key: str, change: Callable[[Document], Any]) -> Callable[[Document], Any]:
    return lambda document: change(document) if document.source_file == key else None


def test_each_plugin_gets_what_the_one_before_returned(folder: Path) -> None:
    first = Preparing("first", lambda document: replace(document, text=document.text + "first\n"))
    second = Preparing("second", lambda document: replace(document, text=document.text + "second\n"))
    run(folder, second, first)  # the one registered last is asked first
    assert texts(folder)["a.md"] == "# A\n\nalpha\nfirst\nsecond\n"


def test_the_title_is_that_of_the_text_that_is_left(folder: Path) -> None:
    plugin = Preparing("p", of("a.md", lambda document: replace(document, text="# Other\n")))
    run(folder, plugin)
    with closing(sqlite3.connect(folder.parent / "kb.db")) as connection:
        [[title]] = connection.execute(
            "SELECT metadata ->> 'title' FROM knowledge_base WHERE source_file = 'a.md'"
        )
    assert title == "Other"


def test_what_is_left_out_is_counted_and_gone_where_it_was_stored(folder: Path) -> None:
    assert run(folder).account.documents.added == 2
    leaving = Preparing("p", of("b.md", lambda _: LeftOut("draft")))
    account = run(folder, leaving).account
    assert account.left_out == {"draft": 1}
    assert (account.documents.deleted, account.documents.total) == (1, 2)
    assert sorted(texts(folder)) == ["a.md", "b.md"]
    assert run(folder, leaving, prune=True).account.removed == 1
    assert sorted(texts(folder)) == ["a.md"]
    assert run(folder, leaving).account.documents.total == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: "text", "the plugin 'p' returned str; expected Document, LeftOut or None"),
        (lambda document: replace(document, source_file="c.md"), "changed its key"),
    ],
)
def test_an_error_costs_one_document(folder: Path, answer: Callable[[Document], Any], reason: str) -> None:
    failed: list[str] = []

    class Noting(batchwright.Reporter[batchwright.ReporterOptions]):
        name = "noting"
        each_document: tuple[DocumentState, ...] = ("failed",)

        def handle(self, event: Any) -> None:
            if hasattr(event, "key") and getattr(event, "state", "") == "failed":
                failed.append(event.reason)

    config = BatchConfig(source=folder, to=f"sqlite:///{folder.parent}/kb.db", reporters=())
    plugin = Preparing("p", of("a.md", answer))
    noting = Noting(batchwright.ReporterOptions())
    result = BatchProcessor(config, plugins=[plugin], reporters=[noting]).run()
    assert (result.exit_code, result.account.documents.added, result.account.documents.failed) == (3, 1, 1)
    assert reason in failed[0]


def test_one_that_exits_costs_one_document(folder: Path) -> None:
    def leave(_: Document) -> None:
        raise SystemExit(0)

    result = run(folder, Preparing("p", of("a.md", leave)))
    assert (result.state, result.account.documents.failed, result.account.documents.added) == ("done", 1, 1)


def test_one_that_hangs_is_given_up(folder: Path) -> None:
    plugin = Preparing("p", of("a.md", lambda _: time.sleep(60)))
    began = time.monotonic()
    result = run(folder, plugin, batch_timeout=0.5)
    assert time.monotonic() - began < 30
    assert (result.account.documents.failed, result.account.documents.added) == (1, 1)


def test_a_plugin_that_is_another_file_than_before_has_documents_read_anew(folder: Path) -> None:
    plugin = folder.parent / "mine.py"
    code = (
        "import dataclasses, batchwright\n\n"
        "@batchwright.hookimpl\n"
        "def prepare_document(document):\n"
        "    return dataclasses.replace(document, text=document.text + {text!r})\n"
    )
    for text in ("one", "two"):
        plugin.write_text(code.format(text=text), "utf-8")
        script = (
            "import sys; from batchwright import BatchConfig, BatchProcessor\n"
            "a = BatchProcessor(BatchConfig.load(source=sys.argv[1], to=sys.argv[2], plugins=[sys.argv[3]],"
            " reporters=[])).run().account.documents\n"
            "print(a.added, a.changed, a.unchanged)"
        )
        said = [_python(script, folder, plugin) for _ in range(2)]
        assert said == (["2 0 0", "0 0 2"] if text == "one" else ["0 2 0", "0 0 2"])
        assert texts(folder)["a.md"].endswith(text)


def _python(script: str, folder: Path, plugin: Path) -> str:
    import subprocess
    import sys

    target = f"sqlite:///{folder.parent}/kb.db"
    command = [sys.executable, "-c", script, str(folder), target, str(plugin)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
