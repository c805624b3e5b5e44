"""The page about others says what was measured."""

from __future__ import annotations

import re

from tests.support.pages import DOCS

WHY_NOT = (DOCS / "explanation" / "why-not.md").read_text("utf-8")
MEASURED = (DOCS / "explanation" / "peers.md").read_text("utf-8")


def cells(text: str, columns: int) -> dict[str, list[str]]:
    rows = [
        [cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines() if line[:2] == "| "
    ]
    return {row[0]: row for row in rows if len(row) == columns}


def test_the_figures_of_why_not_are_those_measured() -> None:
    measured = cells(MEASURED.partition("## A directory into Postgres")[2], 9)
    rows = cells(WHY_NOT.partition("| measured |")[2], 4)
    assert len(rows) == 7
    for name, ratio, rewritten, killed in rows.values():
        found = measured[name]
        assert found[1].partition(" ")[0] == ratio, name
        assert f"{found[8]} of {found[6]}" == rewritten, name
        doubled = re.search(rf"\*\*{name.partition(' ')[0]}, which doubled every one", MEASURED)
        assert ("twice" in killed) == bool(doubled), name


def test_the_fences_of_why_not_are_those_measured() -> None:
    chunked = cells(MEASURED.partition("## A directory into Postgres")[0], 11)
    cut = {name: row[8] for name, row in chunked.items()}
    assert f"of {re.findall(r'fences cut, of ([0-9,]+)', MEASURED)[0]} fences" in WHY_NOT
    for name, row in (
        ("LangChain", "LangChain header + recursive, same tokenizer"),
        ("LlamaIndex", "LlamaIndex Markdown + Sentence, same tokenizer"),
        ("Haystack", "Haystack DocumentSplitter, tiktoken"),
        ("batchwright", "batchwright"),
    ):
        assert re.search(rf"\b{name} {cut[row]}\b", WHY_NOT), name
