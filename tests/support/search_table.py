"""What a search finds: one table of documents and queries, for every sink that has a full-text index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchwright.contracts.receipts import Receipt
from batchwright.contracts.search import Searchable
from batchwright.contracts.sink import Store
from batchwright.model import Batch
from batchwright.sinkkit.search.candidates import CUT
from batchwright.testing.records import sample
from tests.support.marks import marked

TEXTS = {
    "pod.md": "Run `kubectl apply -f pod.yaml` to create the pod. You don't need root. 🚀",
    "notes.md": "We removed kubectl apply from the notes.",
    "cpp.md": "Write it in C++ or in C#, not in C.",
    "build.md": "Pass --no-cache to build, then tar -xzf archive.tar.gz, and v1.10.2 is done.",
    "cache.md": "There is no cache here, and no archive.",
    "host.md": "The host 192.168.0.1 answers; release v1.2.3 runs on it.",
    "nfd.md": "Cafe\u0301 Übungsblatt für Ärzte, ein naïves Re\u0301sume\u0301.",
    "who.md": "The Who played. IT listened.",
    "fr.md": "« Le café est fermé », dit l'élève.",
    "ru.md": "Установка базы данных на сервер. Ёлка и йод.",
    "el.md": "Ο Σίσυφος και η πέτρα.",
    "he.md": "שָׁלוֹם עולם",
    "ar.md": "كيفية تثبيت قاعدة البيانات. كِتَابٌ",
    "hi.md": "हिन्दी में डेटाबेस कैसे स्थापित करें",
    "ja.md": "状態を管理する。データベースのポストを探す。",
    "ja2.md": "この状態は重要です。ホスト名。",
    "half.md": "ﾃﾞｰﾀﾍﾞｰｽ ﾊﾞｯｸｱｯﾌﾟ",
    "zh.md": "本文介绍如何安装数据库，以及如何配置服务器。",
    "ko.md": "한국어 문서를 적재한다.",
    "th.md": "ภาษาไทยไม่มีช่องว่าง",
    "km.md": "ភាសាខ្មែរគ្មានចន្លោះ",
    "lo.md": "ພາສາລາວບໍ່ມີຍະຫວ່າງ",
    "my.md": "မြန်မာဘာသာစကား",
    "tr.md": "İstanbul ve ısı",
    "strokes.md": "Łódź, smørrebrød, Đặng, œuvre, ǽ, Þór Guðjónsson",
    "digits.md": "commit 4e7f is 12e3abc, and ٣٤ apples ½",
    "stop.md": "to be or not to be",
    "wide.md": "ＦＵＬＬ　ｗｉｄｔｈ and ﬁne ligatures",
    "long.md": "x" * 5_000 + "needle " + "filler " * 300 + "haystack",
}
"""The texts of documents by key; each is one record, below a heading that is the key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, and what it finds.

    Attributes:
        query: The query.
        first: The best hits, in any order among themselves.
        others: Whether more may follow.
    """

    query: str
    first: tuple[str, ...]
    others: bool = False


TABLE = [
    # identifiers
    Asked("kubectl apply -f", ("pod.md",), others=True),
    Asked("kubectl apply", ("pod.md", "notes.md")),
    Asked("pod.yaml", ("pod.md",)),
    Asked("-f", ("pod.md",)),
    Asked("C++", ("cpp.md",)),
    Asked("c#", ("cpp.md",)),
    Asked("--no-cache", ("build.md",), others=True),
    Asked("tar -xzf", ("build.md",)),
    Asked("archive.tar.gz", ("build.md",), others=True),
    Asked("v1.10.2", ("build.md",), others=True),
    Asked("1.10.2", ("build.md",), others=True),
    Asked("192.168.0.1", ("host.md",), others=True),
    Asked("192.168", ("host.md",)),
    Asked("1.2.3", ("host.md",), others=True),
    Asked("4e7f", ("digits.md",)),
    Asked("12e3abc", ("digits.md",)),
    Asked("apple -12e3abc", ("digits.md",)),
    Asked("archive -0.5 --no-cache", ("build.md",), others=True),
    Asked("archive -name=tar.gz", ("build.md",), others=True),
    Asked("don't", ("pod.md",)),
    Asked("don’t", ("pod.md",)),
    # cases, accents, forms
    Asked("KUBECTL Notes", ("notes.md",), others=True),
    Asked("Café", ("nfd.md", "fr.md")),
    Asked("cafe", ("nfd.md", "fr.md")),
    Asked("Cafe\u0301", ("nfd.md", "fr.md")),
    Asked("resume", ("nfd.md",)),
    Asked("ubungsblatt", ("nfd.md",)),
    Asked("ÜBUNGSBLATT", ("nfd.md",)),
    Asked("елка", ("ru.md",)),
    Asked("БАЗЫ", ("ru.md",)),
    Asked("ΣΊΣΥΦΟΣ", ("el.md",)),
    Asked("שלום", ("he.md",)),
    Asked("كتاب", ("ar.md",)),
    Asked("قاعدة", ("ar.md",)),
    Asked("istanbul", ("tr.md",)),
    Asked("ISI", ("tr.md",)),
    Asked("Lodz", ("strokes.md",)),
    Asked("łódź", ("strokes.md",)),
    Asked("smorrebrod", ("strokes.md",)),
    Asked("dang", ("strokes.md",)),
    Asked("OEUVRE", ("strokes.md",)),
    Asked("Œuvre", ("strokes.md",)),
    Asked("ae", ("strokes.md",)),
    Asked("thor gudjonsson", ("strokes.md",)),
    Asked("full width", ("wide.md",)),
    Asked("fine", ("wide.md",)),
    Asked("34", ("digits.md",)),
    # scripts
    Asked("हिन्दी", ("hi.md",)),
    Asked("डेटाबेस", ("hi.md",)),
    Asked("हिन्", ("hi.md",)),
    Asked("状態", ("ja.md", "ja2.md")),
    Asked("態", ("ja.md", "ja2.md")),
    Asked("ポスト", ("ja.md",), others=True),
    Asked('"ポスト"', ("ja.md",)),
    Asked('"ホスト"', ("ja2.md",)),
    Asked("データベース", ("half.md", "ja.md"), others=True),
    Asked("バックアップ", ("half.md",), others=True),
    Asked("安装数据库", ("zh.md",)),
    Asked("怎么安装数据库呢", ("zh.md",)),
    Asked("数据库 服务器", ("zh.md",)),
    Asked("문서", ("ko.md",)),
    Asked("한국어", ("ko.md",)),
    Asked("ช่องว่าง", ("th.md",)),
    Asked("ខ្មែរ", ("km.md",)),
    Asked("ພາສາ", ("lo.md",)),
    Asked("ဘာသာ", ("my.md",)),
    # emoji and stop words
    Asked("🚀", ("pod.md",)),
    Asked("🚀️", ("pod.md",)),
    Asked("IT", ("who.md",), others=True),
    Asked("The Who", ("who.md",), others=True),
    Asked("to be or not to be", ("stop.md",), others=True),
    # phrases, beginnings, exclusions
    Asked('"apply from the notes"', ("notes.md",)),
    Asked('"notes the from"', ()),
    Asked('"-f pod.yaml"', ("pod.md",)),
    Asked('kubectl "removed"', ("notes.md",)),
    Asked("kube*", ("pod.md", "notes.md")),
    Asked("kube* removed*", ("notes.md",)),
    Asked("Устан*", ("ru.md",)),
    Asked("kubectl -removed", ("pod.md",)),
    Asked('kubectl -"apply from"', ("pod.md",)),
    Asked("kubectl -remo*", ("pod.md",)),
    Asked("状態 -重要", ("ja.md",)),
    Asked("haystack", ("long.md",)),
    Asked("kubec", ("pod.md", "notes.md")),
    Asked("bectl", ("pod.md", "notes.md")),
    # nothing
    Asked("nowheretobefound", ()),
    Asked("%", ()),
    Asked("", ()),
    Asked("-kubectl -removed", ("pod.md",)),
]

NONSENSE = [
    " ".join(f"unknown{number}" for number in range(1_500)),
    " ".join(["the", "to", "be"] * 500),
    '-("*{}[]^~:\\/' * 800,
    '"' * 10_000,
    "* " * 5_000,
    "\ud800\0\uffff" * 3_000,
    "状" * 10_000,
    "x" * 100_000,
    "🚀" * 2_000,
    "AND OR NOT NEAR( ) & | ! :* <->",
    'a -b -c* -"d e" "f g" h*',
]
"""Queries that must end, soon, and without an error."""


def load(store: Store) -> None:
    """Store and publish the documents of the table."""
    versions = [sample(key, [text], context_header=key) for key, text in TEXTS.items()]
    receipt = Receipt("1", "run", "kit", publications=tuple(version.publication() for version in versions))
    store.write(Batch([chunk for version in versions for chunk in version.chunks], 0), receipt)


def check(store: Store, asked: Asked) -> None:
    """Fail unless the query finds what the table says."""
    assert isinstance(store, Searchable)
    hits = store.search(asked.query, 50)
    keys = [hit.key for hit in hits]
    assert {*keys[: len(asked.first)]} == {*asked.first}, keys
    assert asked.others or len(keys) == len(asked.first), keys
    for hit in hits:
        marked(hit)
        assert hit.score > 0


def check_nonsense(store: Store, queries: Sequence[str] = NONSENSE) -> None:
    """Fail where a query raises."""
    assert isinstance(store, Searchable)
    for query in queries:
        store.search(query)
        store.notes(query)


MANY, COPIES, RARE, OTHERS = 2_000, 1_500, 10, 2_100


def load_many(store: Store) -> None:
    """Store and publish many texts with one word, more copies of one text with it, and a few with another."""
    texts = {
        "many.md": [f"The walrus of number {number}." for number in range(MANY)],
        "copies.md": ["Walrus, walrus, walrus."] * COPIES,
        "rare.md": [f"A gem of number {number}." for number in range(RARE)],
        "others.md": [f"The seal of number {number}." for number in range(OTHERS)],
        "terms.md": ["Without warranty."] * (CUT + 500),
        "shop.md": ["The warranty ends after two years, without exception."],
    }
    for number, (key, some) in enumerate(texts.items()):
        version = sample(key, some, context_header="Animals")
        receipt = Receipt(str(number), "run", "kit", publications=(version.publication(),))
        store.write(Batch(version.chunks, number), receipt)


def check_many(store: Store) -> None:
    """Fail unless as many hits come as are asked for, and the first ones are the same however many."""
    assert isinstance(store, Searchable)
    found = {limit: store.search("walrus", limit) for limit in (10, 200, 500, 5_000)}
    assert [len(hits) for hits in found.values()] == [10, 200, 500, MANY + 1]
    everything = found[5_000]
    for limit, hits in found.items():
        assert [hit.id for hit in hits] == [hit.id for hit in everything[:limit]]
    assert len({hit.id for hit in everything}) == len(everything)
    assert sorted((hit.score for hit in everything), reverse=True) == [hit.score for hit in everything]
    hits = store.search("gem of", 300)  # "of" is too frequent to be looked for at first
    assert len(hits) == 300
    assert {hit.key for hit in hits[:RARE]} == {"rare.md"}
    assert [hit.id for hit in hits[:20]] == [hit.id for hit in store.search("gem of", 20)]
    assert [hit.key for hit in store.search("warranty")] == ["terms.md", "shop.md"]
    assert len(store.search('"the walrus"', 500)) == 500
