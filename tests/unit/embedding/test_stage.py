"""Records get vectors on their way to the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from batchwright.engine.embedding.texts import key_of
from batchwright.engine.embedding.units import Unit
from batchwright.engine.result import RunResult
from tests.support.embedding import Scripted
from tests.support.loads import config_of, run


def corpus(folder: Path, documents: int = 5, paragraphs: int = 6) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(documents):
        body = "\n\n".join(
            f"Paragraph {place} of document {number} says this and that and more of it, word after word."
            for place in range(paragraphs)
        )
        (folder / f"d{number}.md").write_text(f"# Title {number}\n\n{body}\n")
    return folder


def load(folder: Path, db: Path, script: Scripted, **settings: Any) -> RunResult:
    config = config_of(folder, f"sqlite:///{db}", embedder="scripted", **settings)
    return run(config, [script.plugin()])


def test_each_record_gets_a_vector(tmp_path: Path) -> None:
    folder, script = corpus(tmp_path / "docs"), Scripted()
    result = load(folder, tmp_path / "kb.db", script)
    vectors = result.account.vectors
    assert (result.state, result.exit_code) == ("done", 0), result
    assert vectors is not None
    assert vectors.made == result.account.records.written == vectors.texts == len(script.texts) > 20
    assert script.canaries == 1
    assert max(script.texts.values()) == 1
    assert not any("d1.md" in text for text in script.texts)
    assert all(len(texts) <= 8 for texts in script.asked)


def test_what_is_left_of_a_unit_keeps_its_texts() -> None:
    left = Unit.of("model", 3, "abc".__getitem__, 0).without({0})
    assert [left.text(place) for place in range(2)] == ["b", "c"]
    assert [key for _, key in left.wanted()] == [key_of("b"), key_of("c")]
