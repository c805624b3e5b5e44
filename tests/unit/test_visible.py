"""What a terminal would obey, or hide, is shown as escapes."""

from __future__ import annotations

import json
import unicodedata

import pytest

from batchwright.visible import json_text, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;ZWNobw==\x07", "\\x1b]52;c;ZWNobw==\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("all well\rerror: all lost", "all well\\rerror: all lost"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("\u2066left\u2069", "\\u2066left\\u2069"),
        ("pay\u200bpal", "pay\\u200bpal"),
        ("pay\u200dpal", "pay\\u200dpal"),
        ("\ufeffmark", "\\ufeffmark"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\udce9.md", "\\udce9.md"),
        ("\x7f", "\\x7f"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "two\n\tlines",
        "naïve Straße — «Ελληνικά» 日本語 العربية",
        "می\u200cخواهم",  # a joiner between letters belongs to the word
        "👩\u200d💻 ❤️",
        "a\u0301",
        "[bold]not markup[/bold]",
    ],
)
def test_text_of_people_stays(text: str) -> None:
    assert visible(text) == text


def test_no_control_and_no_separator_of_lines_gets_through() -> None:
    for number in range(0x110000):
        character = chr(number)
        if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") and character not in "\n\t":
            assert visible(character).isascii()
            assert visible(character).isprintable()


def test_a_line_is_one_line() -> None:
    assert one_line("a\nerror: b\u2028c\x0bd\u3000e") == "a error: b c d e"


def test_json_holds_every_such_character_as_an_escape_and_unharmed() -> None:
    value = {"\x1b\x7f": ["\x9b\u202e\u200b", "é"]}
    text = json_text(value)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == value
