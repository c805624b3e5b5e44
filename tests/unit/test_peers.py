"""The judge of the peers' chunks sees each defect; a peer that can't be installed is named, and left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchwright.documents import Tokenizer
from tests.benchmarks.peers import environments, text
from tests.benchmarks.peers.adapter import Piece
from tests.benchmarks.peers.corpus import write
from tests.benchmarks.peers.environments import Environment
from tests.benchmarks.peers.judge import Verdict, verdict

TEXT = "# Title\n\nSome words.\n\n```python\nif True:\n    pass\n```\n\nThe end of it.\n"
FENCE = TEXT.index("```python")
END = TEXT.index("The end")


def judged(*chunks: str, limit: int = 512, tokens: int | None = None) -> Verdict:
    """The verdict on chunks of `TEXT`, the first of which claims so many tokens more than it has."""
    count = Tokenizer().count
    pieces: list[Piece] = [(chunk, None) for chunk in chunks]
    if tokens is not None:
        pieces = [(chunk, count(chunk) + (tokens if not index else 0)) for index, chunk in enumerate(chunks)]
    return verdict(TEXT, 0, pieces, limit, count)


def test_chunks_that_are_the_text_are_faultless() -> None:
    found = judged(TEXT[:FENCE], TEXT[FENCE:END], TEXT[END:], tokens=0)
    assert found == Verdict(chunks=3, characters=len("".join(TEXT.split())), fences=1, miscounted=0)


def test_white_space_between_chunks_is_not_text() -> None:
    assert judged(TEXT[:FENCE].strip(), TEXT[FENCE:END].strip(), TEXT[END:].strip()).lost == 0


def test_text_that_no_chunk_has_is_lost() -> None:
    assert judged(TEXT[:FENCE], TEXT[END:]).lost == len("".join(TEXT[FENCE:END].split()))


def test_of_an_altered_chunk_only_what_is_gone_is_lost() -> None:
    found = judged(TEXT.replace("Some", ""))
    assert (found.lost, found.altered) == (4, 1)


def test_a_text_that_comes_again_is_covered_where_it_stands() -> None:
    again = "Here we are.\n\nHere we are.\n\nGone.\n\nHere we are.\n"
    chunks: list[Piece] = [("Here we are.", None)] * 3
    assert verdict(again, 0, chunks, 512, Tokenizer().count).lost == len("Gone.")


def test_front_matter_need_not_be_covered() -> None:
    assert verdict(TEXT, FENCE, [(TEXT[FENCE:], None)], 512, Tokenizer().count).lost == 0


def test_a_chunk_above_the_limit_is_seen() -> None:
    assert judged(TEXT, limit=10).over == 1
    assert judged(TEXT, limit=Tokenizer().count(TEXT)).over == 0


def test_a_fence_in_two_chunks_is_cut_unless_it_could_not_fit() -> None:
    middle = TEXT.index("    pass")
    assert judged(TEXT[:middle], TEXT[middle:]).fences_cut == 1
    assert judged(TEXT[:middle], TEXT[middle:], limit=5).fences == 0


def test_a_fence_without_its_indentation_is_altered() -> None:
    found = judged(TEXT.replace("    pass", "pass"))
    assert (found.fences_cut, found.fences_altered, found.lost) == (0, 1, 0)


def test_a_wrong_count_is_seen_and_none_is_no_count() -> None:
    assert judged(TEXT, tokens=1).miscounted == 1
    assert judged(TEXT).miscounted is None
    assert (judged(TEXT, tokens=1) + judged(TEXT, tokens=1)).miscounted == 2


def test_ours_is_measured_and_judged_where_no_peer_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = {environment.name: "no wheel for this system" for environment in environments.ALL}
    documents = write(tmp_path / "documents", megabytes=0.2)

    file = text.run(documents, tmp_path, missing, 1, into=tmp_path)

    assert "left out: chonkie Recursive, same tokenizer: no wheel for this system" in capsys.readouterr().out
    (ours,) = json.loads(file.read_text(encoding="utf-8"))["results"]
    assert (ours["what"], len(ours["passes"])) == ("batchwright", 1)
    assert ours["rows"] == ours["chunks"] > 100
    assert (ours["over"], ours["lost"], ours["altered"], ours["miscounted"]) == (0, 0, 0, 0)


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    reason = Environment("nowhere", (str(tmp_path / "nobody-1.0-py3-none-any.whl"),)).install()
    assert reason is not None
    assert "nobody-1.0" in reason
