"""A text is embedded once per model, whatever happens to its document."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, ConfigError, EmbedderLimits, Fate, ProcessedChunk, Target
from batchwright.contracts.vectors import packed
from batchwright.engine.delivery.deliverer import Deliverer
from batchwright.engine.delivery.parts import Ending, Part
from batchwright.testing.embeddings_server.vectors import vector_of
from tests.support.embedding import DIMENSIONS, Status
from tests.support.loads import run
from tests.unit.embedding.conftest import Base


def sent(base: Base) -> int:
    """Texts that were sent since this was asked last."""
    count = sum(base.script.texts.values())
    base.script.asked = []
    return count


def test_a_line_added_to_16_of_154_documents_sends_16_texts(base: Base) -> None:
    base.write(154, 4)
    base.settings["chunk_max_tokens"] = 512
    result = base.load()
    assert sent(base) == result.account.records.written
    for number in range(0, 154, 10):
        with (base.folder / f"d{number:03}.md").open("a") as file:
            file.write("\nOne more line.\n")
    result = base.load()
    vectors = result.account.vectors
    assert result.exit_code == 0
    assert sent(base) == 16
    assert vectors is not None
    assert (vectors.made, vectors.texts) == (16, 16)
    assert vectors.made + vectors.reused == result.account.records.written
    base.check()


def test_a_folder_that_is_renamed_sends_nothing(base: Base) -> None:
    (base.folder / "old").mkdir()
    for path in base.folder.glob("*.md"):
        path.rename(base.folder / "old" / path.name)
    base.load(prune=True)
    assert sent(base) > 0
    (base.folder / "old").rename(base.folder / "new")
    result = base.load(prune=True, prune_limit=1.0)
    assert result.account.documents.added == 5
    assert result.exit_code == 0
    assert sent(base) == 0
    base.check()


def test_an_unchanged_run_asks_nothing_at_all(base: Base) -> None:
    base.load()
    canaries = base.script.canaries
    sent(base)
    assert base.load().exit_code == 0
    assert (sent(base), base.script.canaries, base.script.probes) == (0, canaries, 0)


def test_the_same_text_in_many_documents_is_sent_once(base: Base) -> None:
    for number in range(30):
        (base.folder / f"same{number}.md").write_text("# One\n\nThe same text everywhere.\n")
    result = base.load()
    assert max(base.script.texts.values()) == 1
    assert result.account.vectors is not None
    assert result.account.vectors.reused == 29
    base.check()


def test_an_edit_that_is_taken_back_sends_nothing_while_vectors_are_kept(base: Base) -> None:
    base.load()
    before = (base.folder / "d001.md").read_text()
    (base.folder / "d001.md").write_text("# Other\n\nQuite another text.\n")
    base.load()
    sent(base)
    (base.folder / "d001.md").write_text(before)
    assert base.load().exit_code == 0
    assert sent(base) == 0
    base.check()


def test_vectors_that_nothing_uses_are_swept(base: Base) -> None:
    first = base.load(keep_vectors="0s")
    (base.folder / "d001.md").unlink()
    base.load(keep_vectors="0s", prune=True)
    time.sleep(0.01)
    base.load(keep_vectors="0s")
    [(count,)] = base.query("SELECT count(*) FROM knowledge_base_vectors")
    assert count == first.account.records.written * 4 // 5


def test_rows_loaded_without_an_embedder_are_filled_in(base: Base) -> None:
    first = run_plain(base)
    result = base.load()
    vectors = result.account.vectors
    assert result.exit_code == 0
    assert vectors is not None
    assert vectors.filled == vectors.made == first.account.records.written
    base.check()
    assert sent(base) == vectors.filled


def run_plain(base: Base) -> Any:
    config = BatchConfig(
        input_dir=base.folder, to=f"sqlite:///{base.db}", batch_size=7, chunk_max_tokens=24, reporters=()
    )
    return run(config)


def used(base: Base) -> list[str]:
    return [row[0] for row in base.query("SELECT identity FROM knowledge_base_models WHERE is_used")]


def test_a_new_model_takes_the_place_of_the_old_once_all_vectors_are_there(
    base: Base, caplog: pytest.LogCaptureFixture
) -> None:
    base.load(collection="a")
    others = [*base.folder.glob("*.md")]
    for path in others:
        path.write_text(path.read_text().replace("Paragraph", "Other paragraph"))
    base.load(collection="b", adopt=True)
    assert sent(base) > 0
    base.script.model = replace(base.script.model, name="newer")
    result = base.load(collection="b")
    assert result.exit_code == 0
    assert "scripted" in used(base)[0]
    assert "collections that have no vectors of newer yet: a" in caplog.text
    assert sent(base) > 0
    base.check(model="scripted")
    for path in others:
        path.write_text(path.read_text().replace("Other paragraph", "Paragraph"))
    result = base.load(collection="a")
    assert result.exit_code == 0
    [identity] = used(base)
    assert "newer" in identity
    assert sent(base) > 0
    base.check(model="newer")
    assert base.query(
        "SELECT count(*) FROM knowledge_base_models AS m "
        "JOIN knowledge_base_vectors AS v ON v.model = m.id WHERE NOT m.is_used"
    ) == [(0,)]


def test_the_prefix_is_sent_and_belongs_to_the_model(base: Base) -> None:
    base.load({"document_prefix": "passage: "})
    assert all(text.startswith("passage: ") for text in base.script.texts)
    base.check(prefix="passage: ")


# --- what programs bring --------------------------------------------------------------------------------


def processor(base: Base, **settings: Any) -> BatchProcessor:
    config = BatchConfig(to=f"sqlite:///{base.db}", embedder="scripted", reporters=(), **settings)
    return BatchProcessor(config, plugins=[base.script.plugin()])


def chunks(texts: list[str], key: str = "mine.md") -> list[ProcessedChunk]:
    return [
        ProcessedChunk(text, source_file=key, chunk_index=n, total_chunks=len(texts))
        for n, text in enumerate(texts)
    ]


def test_chunks_of_a_program_get_vectors(base: Base) -> None:
    with processor(base) as own:
        result = own.insert_chunks(chunks(["one text", "another text", " "]))
        vectors = result.account.vectors
        assert vectors is not None
        assert (vectors.made, vectors.no_text) == (2, 1)
        again = own.insert_chunks(chunks(["one text", "a third text", " "])).account.vectors
        assert again is not None
        assert (again.made, again.reused) == (1, 1)
    base.check(without=1)
    assert used(base)


def test_records_of_a_program_get_vectors(base: Base) -> None:
    fruits = [{"id": n, "name": f"fruit {n}", "said": f"said of fruit {n}"} for n in range(20)]
    from batchwright import Field, RecordType

    kind = RecordType(
        "fruit",
        (Field("id", "integer"), Field("name", "text"), Field("said", "text", nullable=True)),
        key="id",
        text="said",
        heading="name",
    )
    fruits[3]["said"] = None
    with processor(base) as own:
        result = own.load(fruits, record=kind)
    assert result.exit_code == 0, result
    vectors = result.account.vectors
    assert vectors is not None
    assert (vectors.made, vectors.no_text) == (19, 1)
    [(vector,)] = base.query(
        "SELECT v.vector FROM fruit_vectors AS v JOIN fruit_records AS r ON r._vector_key = v.key "
        "JOIN fruit AS f ON f._id = r._id WHERE f.id = 5"
    )
    assert vector == packed(vector_of("fruit 5\nsaid of fruit 5", DIMENSIONS), DIMENSIONS)


def test_records_without_a_text_are_refused(base: Base) -> None:
    from batchwright import Field, RecordType

    kind = RecordType("fruit", (Field("id", "integer"), Field("name", "text")), key="id")
    with processor(base) as own, pytest.raises(ConfigError, match="fruit has no text to embed"):
        own.load([{"id": 1, "name": "x"}], record=kind)


def test_a_sink_without_vectors_is_refused_with_the_names_of_those_that_keep_them(
    base: Base, tmp_path: Path
) -> None:
    from tests.support.memory import MemoryPlugin

    config = BatchConfig(input_dir=base.folder, to="memory://", embedder="scripted", reporters=())
    with pytest.raises(ConfigError, match=r"keeps no vectors; targets that do: .*sqlite"):
        run(config, [base.script.plugin(), MemoryPlugin()])


def test_deleting_with_purge_leaves_no_vector(base: Base) -> None:
    with processor(base) as own:
        own.insert_chunks(chunks(["one text", "another text"]))
        own.insert_chunks(chunks(["one text"], "other.md"))
        assert own.delete(["mine.md"], purge=True) == 1
    assert base.query("SELECT count(*) FROM knowledge_base_vectors") == [(1,)]


def test_pruning_with_purge_leaves_no_vector(base: Base) -> None:
    first = base.load()
    (base.folder / "d001.md").unlink()
    base.load(prune=True, purge=True)
    assert base.query("SELECT count(*) FROM knowledge_base_vectors") == [
        (first.account.records.written * 4 // 5,)
    ]


@pytest.mark.parametrize("paragraphs", [6, 60])
def test_vectors_that_are_purged_before_their_document_is_published_are_made_again(
    base: Base, monkeypatch: pytest.MonkeyPatch, paragraphs: int
) -> None:
    base.write(3, paragraphs)
    base.settings["batch_size"] = 32
    base.load(collection="old")
    deliver, batches = Deliverer.deliver, list[int]()

    def purge_first(self: Deliverer, part: Part, batch_index: int, *rest: Any) -> Ending:
        if not batches:
            with Target(f"sqlite:///{base.db}") as target:
                target.delete_collection("old", purge=True)
        batches.append(batch_index)
        return deliver(self, part, batch_index, *rest)

    monkeypatch.setattr(Deliverer, "deliver", purge_first)
    sent(base)
    result = base.load(collection="new")
    assert (result.state, result.exit_code) == ("done", 0), result
    result.account.check()
    vectors = result.account.vectors
    assert vectors is not None
    assert vectors.made + vectors.reused == result.account.records.written
    assert max(base.script.texts.values()) == 1
    assert vectors.texts == sent(base) > 0
    base.check()


# --- in time --------------------------------------------------------------------------------------------


def test_requests_stay_in_flight_while_batches_are_written(base: Base) -> None:
    base.write(200, 8)
    base.script.limits = EmbedderLimits(texts=16, at_once=4)
    base.script.delay = 0.05
    result = base.load()
    requests = len(base.script.asked)
    assert result.exit_code == 0
    assert requests >= 80
    assert base.script.most == 4
    began, ended = min(span[0] for span in base.script.spans), max(span[1] for span in base.script.spans)
    # 4 at all times would be 1; a machine that has other things to do comes to .75
    assert requests * 0.05 / 4 / (ended - began) > 0.4


# --- rejects --------------------------------------------------------------------------------------------


def test_a_refused_text_is_embedded_by_a_replay(base: Base) -> None:
    def act(texts: list[str], _before: int) -> None:
        if any("Paragraph 3 of document 2" in text for text in texts):
            raise Status(422)

    base.script.act = act
    assert base.load().exit_code == 3
    config = BatchConfig(to=f"sqlite:///{base.db}", embedder="scripted", retry_cap=0.05, reporters=())
    with Target(config, plugins=[base.script.plugin()]) as target:
        [reject] = target.rejects()
        [left] = target.replay([reject])
        assert left.fate is Fate.LEFT
        assert "422" in left.reason
        base.script.act = lambda *_: None
        [stored] = target.replay([reject])
        assert stored.fate is Fate.STORED
        assert list(target.rejects()) == []
    base.check()


def test_a_refused_text_is_embedded_by_another_model(base: Base) -> None:
    base.script.act = lambda texts, _: _refuse(texts)
    assert base.load().exit_code == 3
    base.script.act = lambda *_: None
    base.script.model = replace(base.script.model, name="newer")
    assert base.load().exit_code == 0
    assert base.query("SELECT count(*) FROM knowledge_base_rejects") == [(0,)]
    base.check(model="newer")


def _refuse(texts: list[str]) -> None:
    if any("Paragraph 3 of document 2" in text for text in texts):
        raise Status(422)


def test_a_record_that_the_sink_refused_is_embedded_when_it_is_replayed(base: Base) -> None:
    (base.folder / "nul.md").write_text("# Nul\n\nA text with \0 in it.\n")
    base.settings["unstorable"] = "reject"
    result = base.load()
    rejected = result.account.records.rejected
    config = BatchConfig(to=f"sqlite:///{base.db}", embedder="scripted", reporters=())
    if rejected:
        with Target(config, plugins=[base.script.plugin()]) as target:
            [stored] = target.replay(target.rejects())
            assert stored.fate is Fate.STORED
    base.check()


def test_a_row_that_is_restored_has_its_vector_without_asking_for_it(base: Base) -> None:
    base.load()
    sent(base)
    with closing(sqlite3.connect(base.db)) as connection, connection:
        connection.execute(
            "DELETE FROM knowledge_base_records WHERE chunk_text LIKE '%Paragraph 3 of document 2%'"
        )
    config = BatchConfig(
        input_dir=base.folder,
        to=f"sqlite:///{base.db}",
        embedder="scripted",
        chunk_max_tokens=24,
        reporters=(),
    )
    with Target(config, plugins=[base.script.plugin()]) as target:
        [repaired] = target.repair(list(target.verify()))
        assert repaired.reason == ""
        assert list(target.verify()) == []
    assert sent(base) == 0
    base.check()
