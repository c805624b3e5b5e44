"""The terms of texts."""

from __future__ import annotations

import random
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.sinkkit.search.normal import LONGEST, normal, terms

ACCENTED = "éÈüñçøåžřłđąęőűțșğı" + "άέήίόύώϊΐ" + "йёўїґ" + "שׁבּ" + "آأؤئ"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Install  the\tSERVER, then\nrun it!", "install the server then run it"),
        ("Café Cafe\u0301 naïve RÉSUMÉ", "cafe cafe naive resume"),
        ("Straße ﬁne ＦＵＬＬ Ⅷ ½", "strasse fine full viii 1 2"),
        ("İstanbul ΣΊΣΥΦΟΣ Ёлка йод", "istanbul σισυφοσ елка иод"),
        ("שָׁלוֹם كِتَابٌ كتـاب", "שלום كتاب كتاب"),
        ("soft\u00adhyphen می\u200cخواهم \ufeffx", "softhyphen میخواهم x"),
        ("٣٤ ३ 34", "34 3 34"),
        ("foo_bar-baz", "foo bar baz"),
        ("状態を管理", "状態 態を を管 管理 理"),
        ("状", "状"),
        ("使うkubectlの例", "使う う kubectl の例 例"),
        ("ポスト ホスト", "ポス スト ト ホス スト ト"),
        ("ﾎﾟｽﾄ ホ\u309aスト", "ポス スト ト ポス スト ト"),
        ("文書〇 時々", "文書 書〇 〇 時々 々"),
        ("한국어 문서", "한국어 문서"),
        ("4e7f 12e3abc 1e5 10th", "zzeehf zzbcedabc 1e5 10th"),
        ("x\0y \ud800 \uffff", "x y"),
        ("", ""),
        ("*** --- ### ...", ""),
    ],
)
def test_words(text: str, words: str) -> None:
    assert terms(text).words.split() == words.split()


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("C++ c# F#.", ["c++", "c#", "f#"]),
        ("edit `pod.yaml`, then (run) x.", ["pod.yaml"]),
        ("kubectl apply -f --no-cache -xzf", ["-f", "--no-cache", "-xzf"]),
        ("host 192.168.0.1.", ["192.168.0.1"]),
        ("release v1.10.2", ["v1.10.2", "1.10.2"]),
        ("well-known .gitignore #123", ["well-known", ".gitignore", "#123"]),
        ("./docs/a-b/c.md ../x/y", ["docs/a-b/c.md", "a-b", "c.md", "x/y"]),
        ("|---|:-:| -- - + # / . ... ++x ---y", []),
        ("a/" * 50 + "b", []),
        ("plain words only.", []),
    ],
)
def test_identifiers_are_terms_beside_their_words(text: str, others: list[str]) -> None:
    found = terms(text).identifiers
    assert found == [terms(f" {name} ").identifiers[0] for name in others]
    assert all(term.isascii() and term.isalnum() and term[0].isalpha() for term in found)


def test_identifiers_differ_from_one_another_and_from_words() -> None:
    names = ["c", "c+", "c++", "c#", "c-", "-c", "--c", ".c", "c.c", "c/c", "c-c", "cc", "c+c"]
    found = [normal(name) for name in names]
    distinct = {tuple(sorted(text.split())) for text in found}
    assert len(distinct) >= len(names) - 2, found  # "c-" and "c" are alike, and so is what ends a sentence


@pytest.mark.parametrize("word", ["हिन्दी", "தமிழ்", "বাংলা", "ਪੰਜਾਬੀ", "മലയാളം", "नमस्ते"])
def test_words_of_indic_scripts_stay_whole_with_their_signs(word: str) -> None:
    [term] = normal(word).split()
    bare = "".join(
        char for char in unicodedata.normalize("NFD", word) if unicodedata.category(char)[0] != "M"
    )
    assert normal(bare) != term


@pytest.mark.parametrize(
    "text", ["ภาษาไทยไม่มีช่องว่าง", "ພາສາລາວບໍ່ມີ", "ភាសាខ្មែរ", "မြန်မာဘာသာ", "日本語のテスト", "数据库"]
)
def test_every_part_of_a_run_without_spaces_is_found_by_its_pairs(text: str) -> None:
    whole = normal(text).split()
    for start in range(len(text)):
        for end in range(start + 2, len(text) + 1):
            *pairs, _ = normal(text[start:end]).split()
            assert f" {' '.join(pairs)} " in f" {' '.join(whole)} "


@pytest.mark.parametrize("emoji", ["🚀", "👍", "❤", "⭐", "🇩🇪", "🧑"])
def test_emoji_are_terms_in_letters(emoji: str) -> None:
    found = normal(f"a {emoji}b").split()
    assert found[0] == "a"
    assert found[-1] == "b"
    assert len(found) == 2 + len(emoji)
    assert all(term.isascii() and term.isalpha() for term in found)


def test_variations_of_an_emoji_are_alike() -> None:
    assert normal("❤️").split() == normal("❤").split()
    assert normal("👍🏽").split() == normal("👍").split()


def test_tree_drawings_and_arrows_are_no_terms() -> None:
    assert normal("├── src │ → ⇒ ★ █ ⠿ ©").split() == ["src", *normal("★").split()]


def test_terms_are_bounded() -> None:
    for text in ("x" * 10_000, "é" * 10_000, "हि" * 10_000, "1" * 10_000, "a-" * 10_000, "ก" * 10_000):
        assert all(len(term) <= LONGEST + 10 for term in normal(text).split())
        assert all(len(term.encode()) <= 2_046 for term in normal(text).split())


@given(st.text(st.characters(), max_size=200))
def test_any_text_has_terms_without_anything_that_parts_them(text: str) -> None:
    for term in normal(text).split(" "):
        assert term == "" or term.isalnum(), (text, term)
        assert term == term.casefold() or not term.isascii()


@given(st.text(st.sampled_from("aé'+#.-/ \n1状態ปॉक\u093f🚀\u0301\u3099\u200d")), st.text(max_size=20))
def test_terms_do_not_depend_on_what_stands_beside_them(left: str, right: str) -> None:
    both = terms(f"{left}\n\n{right}")
    one, other = terms(left), terms(right)
    assert both.words.split() == [*one.words.split(), *other.words.split()]
    assert both.identifiers == [*one.identifiers, *other.identifiers]


@given(st.text(st.characters(codec="utf-8"), max_size=100))
def test_forms_of_unicode_are_alike(text: str) -> None:
    composed = normal(unicodedata.normalize("NFC", text)).split()
    assert normal(unicodedata.normalize("NFD", text)).split() == composed


def test_random_texts_of_all_planes_in_any_mixture() -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(300):
        text = "".join(
            chr(
                dice.choice([dice.randrange(128), dice.randrange(0x3000), dice.randrange(sys.maxunicode + 1)])
            )
            for _ in range(dice.randrange(200))
        )
        found = normal(text)
        assert all(term.isalnum() for term in found.split())
        assert normal(text.upper().lower()) is not None


def test_accents_of_these_alphabets_do_not_matter() -> None:
    for letter in ACCENTED:
        bare = "".join(
            char for char in unicodedata.normalize("NFD", letter.lower()) if not unicodedata.combining(char)
        )
        assert normal(f"x{letter}").split() == normal(f"x{bare}").split(), letter
