"""The retrieval benchmark: its questions stay the same, are what they claim to be, and have their vectors."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, Target
from batchwright.model import position_of
from tests.benchmarks.retrieval import held_out, hybrids, vectors
from tests.benchmarks.retrieval.asking import Asked
from tests.benchmarks.retrieval.corpus import MAX_TOKENS, Place, documents, in_order, passages, write
from tests.benchmarks.retrieval.loading import load_pieces
from tests.benchmarks.retrieval.modes import of_target, plain_sqlite
from tests.benchmarks.retrieval.questions import Question, occurrences, question_sets, unspaced_words
from tests.benchmarks.retrieval.scoring import Ranked, Score, fused, mixed, mixed_by_cover, rank, score
from tests.benchmarks.retrieval.words import content_words, shared, stem, words
from tests.support.pages import ROOT

A, B, C = ("a.md", 0), ("b.md", 0), ("c.md", 0)


def fingerprint() -> str:
    """Everything that is asked, and what answers it, in one hash."""
    asked = {
        name: [(question.text, sorted(question.answers)) for question in questions]
        for name, questions in question_sets().items()
    }
    return sha256(json.dumps([asked, unspaced_words()]).encode()).hexdigest()


def test_questions_are_the_same_in_another_process() -> None:
    command = "from tests.unit.test_retrieval import fingerprint; print(fingerprint())"
    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
            "PYTHONHASHSEED": "7",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == fingerprint()


def test_there_are_enough_questions_each_with_a_document_that_answers_it() -> None:
    sizes = {name: len(questions) for name, questions in question_sets().items()}
    least = {"words": 160, "scattered": 80, "inexact": 80, "headings": 80, "natural": 60, "paraphrases": 60}
    assert sizes.keys() == least.keys()
    assert all(sizes[name] >= number for name, number in least.items())
    assert len(unspaced_words()) >= 60
    for questions in question_sets().values():
        assert len({question.text for question in questions}) == len(questions)
        assert all(question.answers and question.answers <= documents().keys() for question in questions)
    assert len(passages()) >= 600


def test_a_paraphrase_shares_no_content_word_with_its_answer() -> None:
    found = {
        question.text: shared(question.text, documents()[key])
        for question in question_sets()["paraphrases"]
        for key in question.answers
    }
    assert {question: same for question, same in found.items() if same} == {}
    assert min(len(content_words(question)) for question in found) >= 2


def test_words_are_those_of_one_passage_of_the_answer() -> None:
    for question in question_sets()["words"]:
        texts = [set(words(one.text)) for one in passages() if one.key in question.answers]
        assert any(text.issuperset(question.text.split()) for text in texts), question


@pytest.mark.parametrize(
    "forms",
    ["bake bakes baked baking", "city cities", "run runs running runner", "dry dries dried", "stop stopped"],
)
def test_forms_of_a_word_are_one_word(forms: str) -> None:
    assert len({stem(word) for word in forms.split()}) == 1


def test_other_words_are_not() -> None:
    assert shared("Was the dough left to rise?", "Rice is a doughty leftist.") == set()
    assert shared("Baking the loaves", "It bakes.") == {"baking"}


def test_every_word_in_chinese_or_japanese_occurs() -> None:
    assert [word for word in unspaced_words() if not occurrences(word)] == []


# --- vectors ------------------------------------------------------------------------------------


def test_every_passage_and_question_has_a_vector_and_nothing_else_has() -> None:
    assert vectors.stored().keys() == {vectors.digest(text) for text in vectors.texts()}
    assert vectors.FILE.stat().st_size < 600_000


def test_vectors_are_of_length_one_and_a_text_is_nearest_to_itself() -> None:
    for vector in list(vectors.stored().values())[::50]:
        assert len(vector) == vectors.DIMENSIONS
        assert math.sqrt(sum(value * value for value in vector)) == pytest.approx(1, abs=1e-5)
    for passage in passages()[::150]:
        (place, cosine), *_ = vectors.nearest(vectors.vector_of(passage.embedded), 3)
        assert place == passage.place
        assert cosine == pytest.approx(1, abs=1e-5)


def test_the_vectors_are_those_of_the_texts() -> None:
    """An encoder that works finds what a question in other words is about."""
    questions = question_sets()["paraphrases"][::5]
    found = {one.text: vectors.nearest(vectors.vector_of(one.text), 20) for one in questions}
    assert score(questions, found).hit > 0.7


def test_a_text_without_a_vector_is_named_with_what_to_do() -> None:
    with pytest.raises(vectors.MissingVectorError, match=r"'never seen'.*make_vectors"):
        vectors.vector_of("never seen")


def test_packed_vectors_are_read_as_they_were() -> None:
    vector = [math.sin(number) for number in range(vectors.DIMENSIONS)]
    length = math.sqrt(sum(value * value for value in vector))
    (read,) = vectors.unpacked(vectors.packed({"a": vector})).values()
    assert sum(one * other for one, other in zip(vector, read, strict=True)) / length > 0.9999


# --- searching and scoring ----------------------------------------------------------------------


def test_passages_are_what_a_run_stores(tmp_path: Path) -> None:
    some = {key: documents()[key] for key in sorted(documents())[::40]}
    target = f"sqlite:///{tmp_path / 'kb.db'}"
    config = BatchConfig(
        input_dir=write(tmp_path / "some", some), to=target, chunk_max_tokens=MAX_TOKENS, reporters=()
    )
    stored = BatchProcessor(config).process_directory()
    known = [one for one in passages() if one.key in some]
    assert sorted(map(position_of, stored)) == sorted(one.position for one in known)
    with Target(target) as opened:
        for one in known:
            if asked := " ".join(content_words(one.text)[:6]):
                assert one.place in dict(of_target(opened)(asked))


def test_pieces_of_another_splitter_are_found_by_their_document(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'kb.db'}"
    assert load_pieces([("a.md", "red apples"), ("b.md", "green pears"), ("a.md", "blue plums")], target) == 3
    with Target(target) as opened:
        assert dict(of_target(opened)("plums")).keys() == {("a.md", 1)}


def test_a_plain_or_query_finds_any_of_the_words() -> None:
    search = plain_sqlite(passages())
    assert in_order(place for place, _ in search("whetstone zzz")) == ["kitchen/knives.md"]
    assert "kitchen/knives.md" in in_order(place for place, _ in search("whetstone doesn't"))


def test_hits_and_ranks_are_of_documents() -> None:
    question = Question("?", frozenset({"z.md"}))
    ranked: Ranked = [(("a.md", 3), 9.0), (("a.md", 1), 8.0), (("z.md", 0), 7.0), (("z.md", 5), 6.0)]
    assert rank(question, ranked) == 2
    late: Ranked = [((f"{number}.md", 0), 1.0) for number in range(5)] + [(("z.md", 0), 0.5)]
    assert score([question], {"?": ranked}) == Score(1.0, 0.5)
    assert score([question], {"?": late}) == Score(0.0, 1 / 6)
    assert score([question], {"?": late[:5]}) == Score(0.0, 0.0)


def order(ranked: Ranked) -> list[Place]:
    return [place for place, _ in ranked]


def test_at_its_ends_a_mixture_is_either_side() -> None:
    text: Ranked = [(A, 12.0), (B, 5.0), (C, 4.0)]
    vector: Ranked = [(C, 0.7), (A, 0.6), (B, 0.1)]
    assert order(mixed(text, vector, 0.0)) == [A, B, C]
    assert order(mixed(text, vector, 1.0)) == [C, A, B]
    assert dict(mixed(text, vector, 0.5))[A] == pytest.approx(0.5 + 0.5 * (0.6 - 0.1) / (0.7 - 0.1))
    assert order(mixed([], vector, 0.2)) == [C, A, B]
    assert order(mixed(text, [], 0.9)) == [A, B, C]


def test_a_text_that_matches_little_of_the_question_counts_less() -> None:
    text: Ranked = [(A, 3.0), (B, 2.9)]
    vector: Ranked = [(C, 0.7), (B, 0.6), (A, 0.5)]
    assert order(mixed_by_cover(text, vector, 0.1, {A: 1.0, B: 1.0}))[0] == B
    assert order(mixed_by_cover(text, vector, 0.1, {A: 1.0, B: 0.5}))[0] == A
    assert order(mixed_by_cover(text, vector, 0.1, {A: 0.1, B: 0.1}))[0] == C


def test_reciprocal_ranks_are_summed() -> None:
    found = dict(fused([(A, 9.0), (B, 1.0)], [(B, 0.9)]))
    assert found == pytest.approx({A: 1 / 61, B: 1 / 62 + 1 / 61})


def test_rare_words_make_up_more_of_a_question() -> None:
    knife = next(one for one in passages() if "whetstone" in one.text)
    known: Mapping[str, float] = {
        asked: hybrids.cover(asked, knife.place) for asked in ("whetstone", "whetstone zzz", "the zzz", "")
    }
    assert known["whetstone"] == 1.0
    assert 0.3 < known["whetstone zzz"] < 0.6
    assert known["the zzz"] < 0.2
    assert known[""] == 0.0


def test_halves_of_the_documents_share_no_question_and_leave_out_none() -> None:
    for seed in held_out.SEEDS:
        one, other = held_out.halves(seed)
        assert held_out.halves(seed) == (one, other)
        for name, questions in question_sets().items():
            assert sorted(map(repr, [*one[name], *other[name]])) == sorted(map(repr, questions))
            assert min(len(one[name]), len(other[name])) >= len(questions) / 4
        documents = [
            {min(each.answers) for found in half.values() for each in found} for half in (one, other)
        ]
        assert not documents[0] & documents[1]
    assert held_out.halves(0) != held_out.halves(1)


def test_a_weight_is_chosen_by_one_half_and_tried_on_the_other() -> None:
    """Where the words are right for each question and vectors for none, and the other way round."""
    right = {one.text: [((min(one.answers), 0), 1.0)] for found in question_sets().values() for one in found}
    keys = sorted(documents())
    wrong = {
        one.text: [((next(key for key in keys if key not in one.answers), 0), 1.0)]
        for found in question_sets().values()
        for one in found
    }
    for text, vector in ((right, wrong), (wrong, right)):
        found = held_out.held_out(Asked("text", text), Asked("vector", vector))
        for scores in (found["min-max, a by the other half"], found["min-max, a by this half"]):
            assert {one.hit for one in scores.values()} == {1.0}
            assert {one.mrr for one in scores.values()} == {1.0}
