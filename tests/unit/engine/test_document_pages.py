"""Pages of documents on their way to the hit: through plugins, processes and stores."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import batchwright
from batchwright import BatchConfig, BatchProcessor, Document, RunResult, Target
from batchwright.documents import Chunker, replaced

TO = "sqlite:///kb.db"
WORDS = ("walrus", "gnu", "penguin")
PAGES = tuple(f"{word} and more " * 40 + "\n\n" for word in WORDS)

READER = '''
import batchwright
from batchwright import Document, Reader, ReaderOptions


class Printed(Reader[ReaderOptions]):
    """Pages end at a form feed."""

    name = "printed"
    suffixes = (".print",)
    version = 1

    def read(self, stream, item):
        pages = stream.read().decode().split("\\f")
        starts = tuple(sum(map(len, pages[:n])) for n in range(len(pages)))
        return Document(item.key, "".join(pages), pages=starts)


@batchwright.hookimpl
def register_readers():
    return [Printed]
'''


class Preparing:
    """A plugin that does as it is told."""

    name = "p"

    def __init__(self, work: Callable[[Document], Document]) -> None:
        self._work = work

    @batchwright.hookimpl
    def prepare_document(self, document: Document) -> Document:
        return self._work(document)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def document(*pages: str) -> Document:
    starts = tuple(sum(map(len, pages[:number])) for number in range(len(pages)))
    return Document("tea.pdf", "".join(pages), pages=starts)


def _later(document: Document, by: int) -> list[int]:
    """Where all pages but the first begin, in a text with so much more at its beginning."""
    return [by + at for at in document.pages[1:]]


def load(document: Document, *plugins: object) -> RunResult:
    config = BatchConfig(to=TO, chunk_max_tokens=128, reporters=(), collection="mine")
    return BatchProcessor(config, plugins=plugins).load([document])


def found(*words: str) -> list[int | None]:
    """The page of the best hit of each word."""
    with Target(TO) as kb:
        return [kb.search(word)[0].page for word in words]


def test_a_hit_says_the_page_that_its_document_said() -> None:
    load(document("", *PAGES))
    assert found(*WORDS) == [2, 3, 4]


def test_other_pages_of_the_same_text_are_stored_anew() -> None:
    load(document(*PAGES))
    assert load(document("", *PAGES)).account.documents.changed == 1
    assert load(document("", *PAGES)).account.documents.unchanged == 1
    assert found(*WORDS) == [2, 3, 4]


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document,
        lambda document: replace(document, title="Other"),
        lambda document: replaced(document, re.compile("more"), "even more"),
        lambda document: replaced(document, re.compile("more"), "less"),  # as long as before
        lambda document: replace(document, text=f"x {document.text}", pages=(0, *_later(document, 2))),
    ],
)
def test_pages_follow_what_a_plugin_does_where_it_says_so(change: Callable[[Document], Document]) -> None:
    account = load(document(*PAGES), Preparing(change)).account
    assert found(*WORDS) == [1, 2, 3]
    assert account.left_out == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda document: replace(document, text="walrus gnu penguin"),
        lambda document: replace(document, text=document.text.replace("more", "less")),
        lambda document: Document(document.source_file, f"{document.text} x", pages=document.pages),
    ],
)
def test_a_plugin_that_changes_the_text_alone_costs_the_page_numbers(
    change: Callable[[Document], Document],
) -> None:
    result = load(document(*PAGES), Preparing(change))
    assert found(*WORDS) == [None, None, None]
    assert result.account.left_out == {"page number": 3}


def test_pages_that_are_not_in_the_text_cost_the_document_and_name_the_page() -> None:
    result = load(replace(document(*PAGES), pages=(0, 10**6)))
    assert (result.exit_code, result.account.documents.failed) == (3, 1)
    plugin = Preparing(lambda document: replace(document, text="walrus", pages=(0, 7)))
    assert load(document(*PAGES), plugin).account.documents.failed == 1


@pytest.mark.parametrize("readers", [1, 2])
def test_reading_processes_hand_the_pages_on(tmp_path: Path, readers: int) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "plugin.py").write_text(READER, "utf-8")
    (tmp_path / "docs" / "a.print").write_text("\f".join(["", *PAGES]), "utf-8")
    (tmp_path / "docs" / "b.md").write_text("otter\n", "utf-8")
    config = BatchConfig(
        source="docs", to=TO, plugins=("plugin.py",), chunk_max_tokens=128, readers=readers, reporters=()
    )
    assert BatchProcessor(config).run().account.documents.added == 2
    assert found(*WORDS, "otter") == [2, 3, 4, None]


def test_documents_and_chunks_can_be_pickled_with_their_pages() -> None:
    before: Any = document(*PAGES)
    assert pickle.loads(pickle.dumps(before)) == before
    chunks = Chunker(256).chunk(before, "0" * 36)
    assert [chunk.page for chunk in pickle.loads(pickle.dumps(chunks))] == [1, 2, 3]
