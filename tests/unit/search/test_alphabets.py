"""Texts of one alphabet, and kana and Han among ASCII: as fast as can be, and as any text is spelled."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchwright.sinkkit.search import alphabets
from batchwright.sinkkit.search.alphabets import spelled
from batchwright.sinkkit.search.characters import folded
from batchwright.sinkkit.search.normal import terms_of
from batchwright.sinkkit.search.spelling import Spelled, spelled_of_any

IN_USE = [
    "It’s “fast” — naïve… ├── pod.yaml • 🚀 ⬆️ done → ½ œuvre, Straße, Æon, №5",
    "Ёлка и йод — «настройка» pod.yaml, 10 % … 🚀 café",
    "Η γρήγορη αλεπού — v1.10.2, „πάνω“",
    "हिन्दी में दस्तावेज़ क़लम १२३ — kubectl apply -f ✨",
    "שָׁלוֹם עולם, v1.2",
    "مرحبا بالعالم ٣٤ كِتَابٌ، a.b",
    "Příliš žluťoučký kůň",
    "ポスト（本番）は`pod.yaml`で、状態を「管理」します！２０２４年 🚀 C++",
    "使用数据库：kubectl apply -f、“安全”——1e5；２．５",
]
LETTERS = (
    "".join(IN_USE) + "aE19+#.-/ \t\n_\x1f\x1e\0\x7f\u200b\u0301\u3099\u309aかハﾎﾟ．‼ภ๑한㌔㍿\ud800İıſK々〇゙"
)


def _of(found: Spelled) -> tuple[list[str], list[str]]:
    words, identifiers = terms_of(found)
    return words.split(), identifiers


@pytest.mark.parametrize("text", IN_USE)
def test_texts_as_they_are_written_are_spelled_by_their_alphabet(text: str) -> None:
    found = spelled(text)
    assert found is not None
    assert _of(found) == _of(spelled_of_any(text))


@given(st.one_of(st.text(st.sampled_from(LETTERS)), st.text(st.characters(), max_size=60)))
@example("日\u200b本")
@example("か\u3099な")
@example("ﾎ\u309a．日")
@example("a\x1f日本\x1fb")
@example("1日e5a 1e5a ３e4b")
def test_any_text_is_spelled_as_without_an_alphabet(text: str) -> None:
    found = spelled(text)
    assert found is None or _of(found) == _of(spelled_of_any(text))


@given(st.integers(0, 0x1FFF), st.data())
def test_letters_of_any_block_are_spelled_as_without_an_alphabet(code: int, data: st.DataObject) -> None:
    block = st.characters(min_codepoint=code & ~127, max_codepoint=code | 127)
    text = data.draw(st.text(st.one_of(block, st.sampled_from("ab .-1e\n’")), max_size=40))
    found = spelled(text)
    assert found is None or _of(found) == _of(spelled_of_any(text))


def test_what_is_woven_into_bigrams_is_in_terms_what_it_is_in_a_text() -> None:
    for code in range(0x3000, 0xA000):
        character = chr(code)
        if alphabets._RUNS.match(character):
            assert folded(character) == character == unicodedata.normalize("NFC", character)
