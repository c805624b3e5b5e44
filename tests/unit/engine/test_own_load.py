"""A program's `load`: what it makes of what is brought, what it leaves alone, and what it sets aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import pytest

from batchwright import (
    BatchConfig,
    BatchProcessor,
    BatchwrightError,
    CollectionBusy,
    ConfigError,
    Document,
    ProcessedChunk,
    RecordType,
    RunResult,
    Stop,
    Target,
)
from batchwright.contracts.account import DOCUMENT_STATES, DocumentState
from batchwright.contracts.events import DocumentFinished, RunFinished, RunNotStarted, RunStarted
from batchwright.documents import Chunker, MarkdownReader
from batchwright.engine.program.changes import DOCUMENTS_A_PAGE
from tests.support.fruits import Fruit, fruit
from tests.support.loads import Watcher
from tests.unit.engine.rows.fruit import states

TO = "sqlite:///kb.db"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def document(key: str, text: str = "text", **more: Any) -> Document:
    return Document(key, text, "", 0, **more)


def chunks(key: str, texts: Iterable[str]) -> list[ProcessedChunk]:
    listed = list(texts)
    return [
        ProcessedChunk(text, source_file=key, chunk_index=n, total_chunks=len(listed))
        for n, text in enumerate(listed)
    ]


def load(records: Iterable[Any], settings: Any = None, **more: Any) -> RunResult:
    return BatchProcessor(BatchConfig(to=TO, reporters=(), **(settings or {}))).load(records, **more)


def published(collection: str | None = None) -> list[str]:
    with Target(TO) as kb:
        assert list(kb.verify()) == []
        return [known.version.key for known in kb.documents(collection=collection)]


# --- what is brought ----------------------------------------------------------------------------------


def test_documents_are_chunked_as_those_of_a_run_are(tmp_path: Path) -> None:
    text = "# A\n\n" + "".join(f"## Part {n}\n\n{'word ' * 60}\n\n" for n in range(3))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(f"---\nauthor: me\n---\n{text}")
    BatchProcessor(BatchConfig(source="docs", to=TO, chunk_max_tokens=64, reporters=())).run()
    read = MarkdownReader().read(tmp_path / "docs" / "a.md")
    load([replace(read, source_file="a.md")], {"chunk_max_tokens": 64}, collection="mine")
    with Target(TO) as kb:
        [one] = kb.documents(collection="docs")
        [other] = kb.documents(collection="mine")
        assert one.version.records == other.version.records > 1
        assert (one.version.brought_by, other.version.brought_by) == ("run", "program")
        assert {hit.collection for hit in kb.search("word", collection="mine")} == {"mine"}


def test_again_they_are_unchanged_and_what_is_different_in_any_way_is_written() -> None:
    assert states(load([document("a"), document("b")])) == {"added": 2}
    again = load(iter([document("b"), document("a")]))
    assert states(again) == {"unchanged": 2}
    assert (again.account.records.written, again.account.batches) == (0, 0)
    assert states(load([document("a", "other")])) == {"changed": 1}
    assert states(load([document("a", "other", metadata={"tags": ["x"]})])) == {"changed": 1}
    assert states(load([document("a", "other", metadata={"tags": ["x"]})])) == {"unchanged": 1}
    assert states(load([document("b")], {"chunk_max_tokens": 64})) == {"changed": 1}


def test_whatever_chunking_raises_costs_that_document(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Chunker.chunk

    def chunk(self: Chunker, document: Document, version: str) -> list[ProcessedChunk]:
        if document.source_file == "b":
            raise KeyError("odd")
        return real(self, document, version)

    monkeypatch.setattr(Chunker, "chunk", chunk)
    result = load([document("a"), document("b"), document("c")])
    assert (result.state, states(result)) == ("done", {"added": 2, "failed": 1})


def test_chunks_of_whole_documents_come_one_after_the_other() -> None:
    both = [*chunks("a", ["one", "two"]), *reversed(chunks("b", ["three", "four", "five"]))]
    result = load(both)
    assert states(result) == {"added": 2}
    assert result.account.records.written == 5
    assert states(load(both)) == {"unchanged": 2}
    assert states(load([*chunks("a", ["one", "2"]), *both[2:]])) == {"changed": 1, "unchanged": 1}
    assert published() == ["a", "b"]


@pytest.mark.parametrize(
    "parts",
    [chunks("a", "xyz")[:2], chunks("a", "xyz")[1:], [*chunks("a", "xy"), *chunks("a", "xyz")[1:]]],
    ids=["end missing", "beginning missing", "of two versions"],
)
def test_parts_of_a_document_are_for_insert_chunks(parts: list[ProcessedChunk]) -> None:
    result = load([*parts, document("b")])
    assert states(result) == {"added": 1, "failed": 1}
    with Target(TO) as kb:
        [reject] = kb.rejects()
    assert (reject.key, reject.position) == ("a", None)
    assert "bring them so, or parts of a document by insert_chunks" in reject.message


def test_what_is_no_record_is_set_aside_with_its_place() -> None:
    result = load([document("a"), 17, document("")])
    assert states(result) == {"added": 1, "failed": 2}
    with Target(TO) as kb:
        assert sorted(reject.message for reject in kb.rejects()) == [
            "record 1: int is neither Document nor ProcessedChunk, as others are",
            "record 2: it has no source_file, which is its key",
        ]


def test_a_text_that_cannot_be_chunked_is_set_aside_and_loaded_once_it_can() -> None:
    assert states(load([document("a", "bad \ud800"), document("b")])) == {"added": 1, "failed": 1}
    with Target(TO) as kb:
        assert [reject.key for reject in kb.rejects()] == ["a"]
    assert states(load([document("a", "bad \ud800")], {"unstorable": "strip"})) == {"added": 1}
    with Target(TO) as kb:
        assert list(kb.rejects()) == []


def test_records_that_the_sink_cannot_hold_are_set_aside_alone() -> None:
    result = load(chunks("a", ["one", "bad \ud800", "three"]))
    assert (result.state, result.account.records.written, result.account.records.rejected) == ("done", 2, 1)
    again = load(chunks("a", ["one", "bad \ud800", "three"]))
    assert (again.account.records.unchanged, again.account.records.rejected) == (2, 1)
    with Target(TO) as kb:
        [reject] = kb.rejects()
    assert (reject.key, reject.position) == ("a", 1)


class Nested(TypedDict):
    id: int
    data: dict[str, Any]


@pytest.mark.parametrize("depth", [400, 100_000])
def test_a_record_that_is_nested_too_deeply_costs_itself_alone(depth: int) -> None:
    data: dict[str, Any] = {}
    for _ in range(depth):
        data = {"a": data}
    records = [Nested(id=1, data={}), Nested(id=2, data=data), Nested(id=3, data={})]
    result = load(records, record=Nested)
    kept = 1 if depth < 1_000 else 0  # what the interpreter can still write as JSON
    assert (result.state, result.account.records.written) == ("done", 2 + kept)
    assert result.account.records.rejected == 1 - kept


@pytest.mark.parametrize("each_document", [(), DOCUMENT_STATES])
def test_a_page_may_hold_records_of_every_kind(each_document: Collection[DocumentState]) -> None:
    watcher = Watcher(each_document=each_document)
    load([fruit(1), fruit(2), fruit(3), fruit(4).model_copy(update={"weight": "heavy"})])
    brought: list[Any] = [
        fruit(1),  # as it was
        fruit(2, name="another"),
        fruit(3).model_copy(update={"weight": "heavy"}),  # can't be held
        fruit(4).model_copy(update={"weight": "heavy"}),  # nor could it before
        fruit(5),
        fruit(5, name="again"),
        fruit(6).model_copy(update={"id": None}),
        17,
        fruit(7),
    ]
    with BatchProcessor(BatchConfig(to=TO), reporters=[watcher]) as processor:
        assert states(processor.load(brought)) == {
            "added": 2,
            "changed": 1,
            "unchanged": 1,
            "refused": 2,
            "failed": 3,
        }
        assert states(processor.load([fruit(4), *brought[:3]])) == {"added": 1, "unchanged": 2, "refused": 1}
    told = Counter(event.state for event in watcher.events if isinstance(event, DocumentFinished))
    if each_document:
        assert told == {"added": 3, "changed": 1, "unchanged": 3, "refused": 3, "failed": 3}
    else:
        assert not told
    with Target(TO) as kb:
        assert {known.version.brought_by for known in kb.documents()} == {"program"}
        assert [known.version.key for known in kb.documents()] == ["1", "2", "3", "4", "5", "7"]


# --- keys that are met again --------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [1, DOCUMENTS_A_PAGE - 1, DOCUMENTS_A_PAGE, 2 * DOCUMENTS_A_PAGE + 3])
def test_a_key_that_is_met_again_is_a_reject_that_names_both(apart: int) -> None:
    between = [document(f"other {n}") for n in range(apart - 1)]
    result = load(
        [document("same", "first"), *between, document("same", "second"), document("same", "third")]
    )
    assert states(result) == {"added": apart, "failed": 2}
    with Target(TO) as kb:
        assert {reject.message for reject in kb.rejects()} == {
            f"records 0 and {apart + n} have the same key; the first was taken" for n in range(2)
        }
        assert {reject.key for reject in kb.rejects()} == {"same"}
        assert [hit.key for hit in kb.search("first")] == ["same"]
        assert kb.search("second") == []
    assert states(load([document("same", "first")])) == {"unchanged": 1}
    with Target(TO) as kb:
        assert list(kb.rejects()) == []  # it is one by now


# --- what is gone -------------------------------------------------------------------------------------


def documents(count: int) -> Iterator[Document]:
    return (document(f"{number:03}") for number in range(count))


def test_only_with_prune_what_is_not_brought_goes() -> None:
    load(documents(10))
    assert states(load(documents(8))) == {"unchanged": 8}
    assert len(published()) == 10
    result = load(documents(8), prune=True)
    assert (states(result), result.account.removed) == ({"unchanged": 8, "deleted": 2}, 2)
    assert len(published()) == 8


def test_more_than_the_limit_are_not_removed() -> None:
    load(documents(10))
    result = load(documents(4), prune=True)
    assert (result.state, result.account.removed) == ("failed", 0)
    assert result.reason.startswith("refusing to prune 6 of 10 documents: more than prune_limit (50%)")
    assert load([], prune=True).state == "failed"
    assert len(published()) == 10
    assert load(documents(4), {"prune_limit": 1.0}, prune=True).account.removed == 6


def test_where_a_record_has_no_key_nothing_is_removed() -> None:
    load(documents(10))
    result = load([*documents(8), document("")], prune=True)
    assert (result.state, result.account.removed) == ("failed", 0)
    assert "1 of the records have no key" in result.reason


def test_what_was_set_aside_is_not_gone() -> None:
    load(documents(3))
    result = load([document("000", "bad \ud800"), *list(documents(3))[1:]], prune=True)
    assert (result.state, result.account.removed, states(result)) == (
        "done",
        0,
        {"unchanged": 2, "failed": 1},
    )
    assert len(published()) == 3  # the version before stays


def test_a_run_and_a_program_leave_each_others_documents_alone(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    for name in ("a.md", "b.md"):
        (tmp_path / "shared" / name).write_text("# Text\n")
    runner = BatchProcessor(
        BatchConfig(source="shared", to=TO, collection="shared", prune=True, prune_limit=1, reporters=())
    )
    runner.run()
    load([document("x")], collection="shared")
    assert runner.run().account.removed == 0
    assert load([document("y")], {"prune_limit": 1.0}, collection="shared", prune=True).account.removed == 1
    assert published("shared") == ["a.md", "b.md", "y"]
    load([document("a.md", "the program's")], collection="shared")
    (tmp_path / "shared" / "b.md").unlink()
    assert runner.run().account.removed == 1
    assert published("shared") == ["a.md", "y"]


def test_documents_are_deleted_by_key_whoever_brought_them() -> None:
    processor = BatchProcessor(BatchConfig(to=TO, reporters=()))
    processor.load(documents(5))
    processor.insert_chunks(chunks("begun", "xy")[:1])
    with processor:
        assert processor.delete(f"{number:03}" for number in range(3, 9)) == 2
        assert processor.delete(["begun"]) == 0
    with Target(TO) as kb:
        assert (kb.status().published, kb.status().pending) == (3, 0)
        assert list(kb.verify()) == []


class Shirt(TypedDict):
    sku: str
    about: str | None


def test_to_delete_it_need_not_be_known_which_field_is_the_key_or_the_text() -> None:
    processor = BatchProcessor(BatchConfig(to=TO, reporters=()))
    assert processor.delete(["a"], record=Shirt) == 0, "nothing was loaded yet"
    assert not Path("kb.db").exists()
    shirts = [Shirt(sku=sku, about="cotton") for sku in "abc"]
    processor.load(shirts, record=Shirt, key="sku", text="about")
    assert processor.delete(["a", "b", "z"], record=Shirt) == 2
    assert processor.delete(["c"], record=RecordType.of(Shirt, key="sku")) == 1
    with Target(TO) as kb:
        assert kb.status().published == 0
        assert list(kb.verify()) == []


def test_records_of_another_type_are_not_deleted() -> None:
    load([Shirt(sku="a", about=None)], record=Shirt, key="sku")
    with pytest.raises(ConfigError, match="takes shirt only, not fruit"):
        BatchProcessor(BatchConfig(to=f"{TO}?table=shirt")).delete(["a"], record=Fruit)


# --- collections --------------------------------------------------------------------------------------


def test_each_collection_has_keys_of_its_own() -> None:
    load([document("a", "one")], collection="first")
    load([document("a", "two"), document("b")], collection="second")
    load([document("c")])
    load([document("d")], {"collection": "settings"})
    with Target(TO) as kb:
        assert [one.name for one in kb.collections()] == ["chunks", "first", "second", "settings"]
        assert {one.origin for one in kb.collections()} == {"program"}
    load([], {"prune_limit": 1.0}, collection="second", prune=True)
    assert (published("first"), published("second")) == (["a"], [])


def test_a_wrong_name_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigError, match=r"^collection: a collection's name is printable text"):
        load([], collection=" x")
    with pytest.raises(ConfigError, match=r"^collection: "):
        BatchProcessor(BatchConfig(to=TO)).delete([], " x")


# --- the account of a run -----------------------------------------------------------------------------


def test_reporters_receive_the_events_of_a_run() -> None:
    watcher, stored = Watcher(), list[str]()
    processor = BatchProcessor(BatchConfig(to=TO), reporters=[watcher])
    result = processor.load(documents(40), on_stored=stored.extend)
    assert isinstance(watcher.events[0], RunStarted)
    assert watcher.events[-1] == RunFinished(result.run_id, "done", result.account, "")
    assert len(stored) == processor.get_progress().documents_processed == 40
    assert processor.get_progress().percent_complete == 100


def test_it_ends_soon_once_it_is_asked_to() -> None:
    stop = Stop()

    def brought() -> Iterator[Document]:
        for number, one in enumerate(documents(9_000)):
            if number == 3_000:
                stop.request("enough")
            yield one

    result = load(brought(), stop=stop)
    assert (result.state, result.reason) == ("interrupted", "enough")
    assert result.account.documents.total == result.account.documents_seen < 9_000
    assert load(documents(9_000)).state == "done"


def test_records_that_come_slowly_are_not_waited_for_once_it_is_asked_to_end() -> None:
    stop, taken = Stop(), 0

    def slow() -> Iterator[Document]:
        nonlocal taken
        for one in documents(DOCUMENTS_A_PAGE):
            taken += 1
            if taken == 5:
                stop.request("enough")
            yield one

    result = load(slow(), prune=True, stop=stop)
    assert (result.state, taken) == ("interrupted", 5)
    assert load(documents(5)).account.documents.added == 5


def test_a_second_load_at_once_raises() -> None:
    processor = BatchProcessor(BatchConfig(to=TO, reporters=()))

    def brought() -> Iterator[Document]:
        yield document("a")
        with pytest.raises(BatchwrightError, match="running already"):
            processor.load([])
        yield document("b")

    assert states(processor.load(brought())) == {"added": 2}


def test_what_the_records_raise_comes_out_and_reporters_are_told() -> None:
    watcher = Watcher()

    def brought() -> Iterator[Document]:
        yield document("a")
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        BatchProcessor(BatchConfig(to=TO), reporters=[watcher]).load(brought())
    end = watcher.events[-1]
    assert isinstance(end, RunFinished)
    assert (end.state, end.reason) == ("failed", "no more")


def test_nobody_else_loads_while_one_prunes_and_afterwards_anybody_may() -> None:
    def records() -> Iterator[Document]:
        yield document("a")
        watcher = Watcher()
        other = BatchProcessor(BatchConfig(to=TO, reporters=()), reporters=[watcher])
        with pytest.raises(CollectionBusy, match="'notes' is busy"):
            other.load([document("b")], collection="notes")
        assert [type(event) for event in watcher.events] == [RunNotStarted]
        load([document("b")], collection="elsewhere")

    assert states(load(records(), collection="notes", prune=True)) == {"added": 1}
    assert states(load([document("b")], collection="notes")) == {"added": 1}
    assert published("notes") == ["a", "b"]


def test_loads_that_prune_nothing_go_on_side_by_side() -> None:
    def records() -> Iterator[Document]:
        yield document("a")
        load([document("b")], collection="notes")

    assert states(load(records(), collection="notes")) == {"added": 1}
    assert published("notes") == ["a", "b"]


def test_a_load_that_breaks_off_gives_its_collection_back() -> None:
    def records() -> Iterator[Document]:
        yield document("a")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        load(records(), collection="notes", prune=True)
    load([document("b")], collection="notes", prune=True)
    assert published("notes") == ["b"]


@pytest.mark.parametrize("given", ["abc", b"abc", {"id": "a"}])
def test_a_text_or_a_mapping_is_not_several_records_or_keys(given: Any) -> None:
    """Its letters or names would be taken for them: ``delete("abc")`` would delete a, b and c."""
    processor = BatchProcessor(BatchConfig(to=TO, reporters=()))
    with pytest.raises(TypeError, match=r"keys is a .*; give a list"):
        processor.delete(given, record=Fruit)
    with pytest.raises(TypeError, match=r"records is a .*; give a list"):
        processor.load(given, record=Fruit, key="name")
    with pytest.raises(ConfigError, match="a collection's name is printable text"):
        processor.load([], record=Fruit, key="name", collection=3)  # type: ignore[arg-type]
