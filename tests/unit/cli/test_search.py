"""Searching, and making the index anew, from the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk, Target
from batchwright.contracts.lease import Lease, Patience
from batchwright.engine.owner import this_process
from tests.unit.cli.conftest import Command

TEXTS = {
    "pod.md": "---\ntitle: Pods\n---\n\nRun `kubectl apply -f pod.yaml` now.\n",
    "fr.md": "« Le café est fermé », dit l'élève.\n",
    "licence.md": "Licensed to everybody.\n",
    "other/licence.md": "Licensed to everybody.\n",
}


def load(batchwright: Command) -> None:
    for name, text in TEXTS.items():
        path = Path("texts", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert batchwright("run", "texts").code == 0


def test_a_hit_cites_document_and_line_and_marks_what_matched(batchwright: Command) -> None:
    load(batchwright)
    out = batchwright("search", "--", "kubectl apply -f").out
    assert out == "pod.md:5  Pods\n    Run `«kubectl» «apply» «-f» pod.yaml` now.\n"


def test_a_query_without_a_word_says_what_is_wrong(batchwright: Command) -> None:
    load(batchwright)
    outcome = batchwright("search", "*")
    assert outcome.code == 0
    assert (
        "note: the query has no word, so this looked for its characters as they stand; name one"
        in outcome.err
    )
    assert "nothing found for '*'" in outcome.err
    assert "no word" in batchwright("search", "*", "--json").json["notes"][0]
    assert "note:" not in batchwright("search", "licen*").err


def test_the_marks_of_a_text_stay_its_own(batchwright: Command) -> None:
    load(batchwright)
    assert "« Le [café] est fermé », dit l'élève." in batchwright("search", "cafe").out


def test_the_same_text_is_shown_once_with_its_places(batchwright: Command) -> None:
    load(batchwright)
    out = batchwright("search", "licensed").out
    assert out.count("«Licensed» to everybody.") == 1
    assert out.startswith("licence.md:1")
    assert "    also in other/licence.md:1\n" in out
    [hit] = batchwright("search", "licensed", "--json").json["hits"]
    assert hit["places"] == [{"collection": "texts", "key": "other/licence.md", "line": 1, "page": None}]


def test_headings_that_do_not_fit_come_below_the_document(
    batchwright: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = "a.md > The first heading > Another one below it"
    chunk = ProcessedChunk("A walrus.", source_file="a.md", line=5, context_header=header)
    BatchProcessor(BatchConfig(to="sqlite:///batchwright.db", reporters=())).insert_chunks([chunk])
    monkeypatch.setenv("COLUMNS", "80")
    head = "a.md:5  The first heading > Another one below it\n"
    assert batchwright("search", "walrus").out.startswith(head)
    monkeypatch.setenv("COLUMNS", "30")
    narrow = "a.md:5\n    The first heading >\n    Another one below it\n    A «walrus».\n"
    assert batchwright("search", "walrus").out == narrow


def test_what_was_looked_for_is_said_where_there_is_no_word(batchwright: Command) -> None:
    load(batchwright)
    said = batchwright("search", "--", "-").err
    assert "note: the query has no word, so this looked for its characters as they stand" in said


def test_where_nothing_has_the_phrases_that_is_said(batchwright: Command) -> None:
    load(batchwright)
    said = batchwright("search", f'kubectl "now apply" {"word " * 300}').err
    assert 'nothing found for \'kubectl "now apply" word word' in said
    assert "all that is in quotes, and all beginnings*, must be there" in said
    assert len(said) < 500
    assert "quotes" not in batchwright("search", "nowheretobefound").err


def test_a_hit_cites_the_page_where_there_are_pages(batchwright: Command) -> None:
    texts = ("All about walruses.", "All about walruses.", "Walruses, again.")
    chunks = [
        ProcessedChunk(text, source_file=f"{number}.pdf", line=40, page=number + 2, context_header="Zoo")
        for number, text in enumerate(texts)
    ]
    BatchProcessor(BatchConfig(to="sqlite:///batchwright.db", reporters=())).insert_chunks(chunks)
    out = batchwright("search", "walruses").out
    assert "0.pdf, page 2  Zoo\n" in out
    assert "    also in 1.pdf, page 3\n" in out
    assert "2.pdf, page 4  Zoo\n" in out
    assert {hit["page"] for hit in batchwright("search", "walruses", "--json").json["hits"]} == {2, 4}


def test_what_was_left_out_is_said(batchwright: Command) -> None:
    load(batchwright)
    found = batchwright("search", "--", "licensed -everybody")
    assert (found.code, found.out) == (0, "")
    assert 'note: -everybody leaves out what has "everybody"' in found.err
    assert "put it in quotes" in found.err


def test_an_index_of_an_older_version_is_said_and_made_anew(batchwright: Command) -> None:
    load(batchwright)
    with closing(sqlite3.connect("batchwright.db")) as connection:
        connection.execute("UPDATE knowledge_base_meta SET value = '0' WHERE key = 'search_version'")
        connection.commit()
    found = batchwright("search", "café", "--json")
    assert found.json["hits"][0]["key"] == "fr.md"
    assert "run: batchwright reindex" in found.json["notes"][0]
    assert batchwright("reindex").out == "indexed 4 records of sqlite:///batchwright.db\n"
    assert batchwright("search", "cafe", "--json").json["notes"] == []
    again = batchwright("reindex", "--json").json
    assert again["indexed"] == [{"relation": "knowledge_base", "records": 4}]


def test_a_run_keeps_the_index_from_being_made_anew(batchwright: Command) -> None:
    load(batchwright)
    with Target("sqlite:///batchwright.db") as kb:
        ledger = kb._opened.relations[0].ledger
        lease = Lease("texts", "token", "run", this_process(), "2026-01-01T00:00:00+00:00")
        assert ledger.swap_lease("texts", None, lease, Patience(1.0))
        refused = batchwright("reindex")
        assert refused.code == 4
        assert ledger.swap_lease("texts", "token", None, Patience(1.0))
    assert batchwright("reindex").code == 0
