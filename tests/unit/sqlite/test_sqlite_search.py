from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchwright.builtin.sqlite.schema import is_indexed
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.model import Batch
from tests.support.marks import marked
from tests.unit.sqlite.cases import document, publish, receipt, store_at

TEXTS = {
    "en.md": "Install the database on Linux, then configure the server.",
    "en2.md": "The database keeps every record.",
    "de.md": "Die Straßenbahn fährt über die Brücke.",
    "fr.md": "« Le café est fermé », dit l'élève.",
    "ru.md": "Установка базы данных на сервер.",
    "zh.md": "本文介绍如何安装数据库，以及如何配置服务器。",
    "ja.md": "データベースをインストールする方法を説明します。",
    "th.md": "วิธีติดตั้งฐานข้อมูล",
    "hi.md": "डेटाबेस कैसे स्थापित करें",
    "ar.md": "كيفية تثبيت قاعدة البيانات",
    "code.md": 'Call `sqlite3.connect("kb.db")` and 50% is done 🙂 in C++ or foo_bar-baz.',
}


@pytest.fixture(params=[True, False], ids=["indexed", "not indexed"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    with store_at(tmp_path / "kb.db", full_text=request.param) as store:
        for name, text in TEXTS.items():
            publish(store, name, [text])
        yield store


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("linux", ["en.md"]),
        ("Straßenbahn", ["de.md"]),
        ("УСТАНОВКА", ["ru.md"]),
        ("安装数据库", ["zh.md"]),
        ("数据库", ["zh.md"]),
        ("服务器 数据库", ["zh.md"]),
        ("インストール", ["ja.md"]),
        ("ฐานข้อมูล", ["th.md"]),
        ("डेटाबेस", ["hi.md"]),
        ("قاعدة", ["ar.md"]),
        ("🙂", ["code.md"]),
        ("50%", ["code.md"]),
        ("connec", ["code.md"]),
        ("nfigur", ["en.md"]),
        ("foo_bar-baz", ["code.md"]),
        ("élève", ["fr.md"]),
        ("nowhere-to-be-found", []),
        ("", []),
        (" \t\n\0", []),
        ("\ud800", []),
    ],
)
def test_words_are_found_in_any_language(store: SqliteStore, text: str, files: list[str]) -> None:
    assert [hit.key for hit in store.search(text)] == files


@pytest.mark.parametrize(
    "text",
    [
        '"',
        '"linux',
        'linux"',
        "NEAR(linux",
        "NEAR",
        "linux NOT",
        "AND",
        "OR OR",
        "lin*",
        "*",
        "-linux",
        "^linux",
        "a:b",
        "chunk_text:linux",
        "(",
        ")",
        "linux)",
        "{a}",
        "+",
        "'",
        "\\",
        "%",
        "_",
        "\0linux",
        "linux\0",
        "\ud800 linux",
        ";",
        "--",
        "[",
        "x" * 100_000,
        "(" * 5000,
        "a " * 3000,
    ],
)
def test_whatever_is_typed_is_no_syntax_error(store: SqliteStore, text: str) -> None:
    store.search(text)


@pytest.mark.parametrize("text", ["-linux", "linux*", '"linux', "(linux", "\0linux", "linux -"])
def test_punctuation_around_a_word_does_not_hide_it_from_the_index(store: SqliteStore, text: str) -> None:
    if _indexed(store):
        assert [hit.key for hit in store.search(text)] == ["en.md"]


def _indexed(store: SqliteStore) -> bool:
    with store._file.reading() as connection:
        return is_indexed(connection, store._names)


def test_any_of_the_words_suffices_and_more_of_them_come_first(store: SqliteStore) -> None:
    hits = store.search("database SERVER")
    assert hits[0].key == "en.md"
    assert len(hits) == (2 if _indexed(store) else 1)
    assert {hit.key for hit in store.search("Linux Straßenbahn")} == {"en.md", "de.md"}


def test_accents_do_not_matter_where_there_is_an_index(store: SqliteStore) -> None:
    assert [hit.key for hit in store.search("cafe")] == (["fr.md"] if _indexed(store) else [])


def test_excerpts_mark_the_words_and_leave_quotation_marks(store: SqliteStore) -> None:
    assert marked(store.search("café")[0]) == "« Le «café» est fermé », dit l'élève."
    assert marked(store.search("数据库")[0]) == "本文介绍如何安装«数据库»，以及如何配置服务器。"


def test_a_match_in_the_header_only_is_shown_there(store: SqliteStore) -> None:
    hit = store.search("ru.md")[0]
    assert marked(hit) == "«ru.md» > Part 0"


def test_better_matches_come_first_with_higher_scores(tmp_path: Path) -> None:
    for full_text in (True, False):
        with store_at(tmp_path / f"{full_text}.db", full_text=full_text) as store:
            publish(store, "a.md", ["once the engine " + "and other words " * 20])
            publish(store, "b.md", ["engine engine engine and " + "words " * 20])
            publish(store, "c.md", ["nothing of it"])
            hits = store.search("engine")
            assert [hit.key for hit in hits] == ["b.md", "a.md"]
            assert hits[0].score > hits[1].score > 0
            assert [hit.key for hit in store.search("engine", 1)] == ["b.md"]
            assert store.search("engine", 0) == []


def test_a_long_text_gives_a_short_excerpt_around_the_match(store: SqliteStore) -> None:
    publish(store, "long.md", ["filler " * 5000 + "needle" + " filler" * 5000])
    excerpt = marked(store.search("needle")[0])
    assert "«needle»" in excerpt
    assert len(excerpt) < 300
    assert excerpt.startswith("…")
    assert excerpt.endswith("…")


def test_what_is_not_published_is_not_found(store: SqliteStore) -> None:
    version, chunks = document("half.md", ["secretword 秘密的词"])
    store.write(Batch(chunks, 0), receipt(begun=(version,)))
    assert store.search("secretword") == []
    assert store.search("秘密的词") == []
