"""Front matter: what is one, what it says, and what it can't do."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwright.documents.front_matter import MAX_CHARACTERS, split_front_matter


def fields(text: str) -> dict[str, Any]:
    return split_front_matter(text).fields


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("---\ntitle: A\n---\nbody", "---\ntitle: A\n---\n"),
        ("---\ntitle: A\n...\nbody", "---\ntitle: A\n...\n"),
        ("---  \r\ntitle: A\r\n---\t\r\nbody", "---  \r\ntitle: A\r\n---\t\r\n"),
        ("---\ntitle: A\n---", "---\ntitle: A\n---"),
        ("---\n---\nbody", "---\n---\n"),
        ('+++\ntitle = "A"\n+++\nbody', '+++\ntitle = "A"\n+++\n'),
        ('+++\r\ntitle = "A"\r\n+++\r\nbody', '+++\r\ntitle = "A"\r\n+++\r\n'),
    ],
)
def test_fenced_fields_are_front_matter(text: str, raw: str) -> None:
    found = split_front_matter(text)
    assert found.raw == raw
    assert found.fields.get("title", "A") == "A"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---",
        "---\n",
        "----\na: b\n---\n",
        "---\n\nJust a paragraph between two rules.\n\n---\n",
        "---\n- a\n- list\n---\n",
        "---\ntitle: never closed\n",
        "\n---\na: b\n---\n",
        " ---\na: b\n---\n",
        "---\n# Heading\n\n* [link: x\n---\n",
        "+++ not toml\n",
        "---\na: b\n---tail\n",
        "---\n" + "a: b\n" * (MAX_CHARACTERS // 5) + "---\n",
    ],
)
def test_anything_else_is_body(text: str) -> None:
    assert split_front_matter(text) == ("", {}, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\ntitle: [unclosed\n---\n", "line"),
        ("---\ntitle: a: b\n---\n", "mapping values are not allowed in this context (line 1)"),
        ("---\na: &x 1\nb: *x\n---\n", "aliases (*name) are not supported"),
        ("---\na: !!python/object:os.system x\n---\n", "could not determine a constructor"),
        ("---\na: " + "[" * 60000 + "\n---\n", "nested more than 32 levels"),
        ("---\na:\n " + "- " * 30000 + "x\n---\n", "nested more than 32 levels"),
        ("---\na: " + "{b: " * 9000 + "\n---\n", "nested more than 32 levels"),
        ("---\na: {[b]: c}\n---\n", "unhashable key"),
        ("---\na: \x07\n---\n", "control characters"),
        ("---\na: !!int x\n---\n", "invalid literal"),
        ("---\na: " + "9" * 5000 + "\n---\n", "Exceeds the limit"),
        ("---\na: 0o9_\nb: !!timestamp zz\n---\n", ""),
        ("+++\na = \n+++\n", "Invalid value"),
        ("+++\na = " + "[" * 20000 + "\n+++\n", ""),
        ("+++\na" + ".a" * 9000 + " = 1\n+++\n", ""),
    ],
)
def test_fields_that_do_not_parse_leave_a_reason_and_keep_the_raw_text(text: str, reason: str) -> None:
    found = split_front_matter(text)
    assert found.raw == text
    if set(found.fields) != {"front_matter_error"}:  # a value of the last resort: kept as text
        assert found.fields
        assert reason == ""
    else:
        assert reason in found.fields["front_matter_error"]
        assert 0 < len(found.fields["front_matter_error"]) <= 200


def test_values_become_json() -> None:
    found = split_front_matter(
        "---\n"
        "title: T\n"
        "date: 2024-02-03\n"
        "at: 2024-02-03T04:05:06Z\n"
        "impossible: 2024-02-31\n"
        "ratio: .nan\n"
        "most: -.inf\n"
        "tags: [a, 1, null, true]\n"
        "letters: !!set {b, a}\n"
        "blob: !!binary aGk=\n"
        "hex: 0x" + "F" * 5000 + "\n"
        "2: two\n"
        "true: yes\n"
        "null: none\n"
        "2024-01-01: day\n"
        "nested: {when: 2024-02-03}\n"
        "---\n"
    )
    assert found.fields == {
        "title": "T",
        "date": "2024-02-03",
        "at": "2024-02-03T04:05:06+00:00",
        "impossible": "2024-02-31",
        "ratio": "nan",
        "most": "-inf",
        "tags": ["a", 1, None, True],
        "letters": ["a", "b"],
        "blob": "aGk=",
        "hex": "0x" + "f" * 5000,
        "2": "two",
        "true": True,
        "null": "none",
        "2024-01-01": "day",
        "nested": {"when": "2024-02-03"},
    }
    json.dumps(found.fields, allow_nan=False)


def test_toml_values_become_json() -> None:
    found = split_front_matter(
        '+++\ndate = 2024-02-03T04:05:06\nat = 04:05:06\nx = nan\n[a]\nb = ["c"]\n+++\n'
    )
    assert found.fields == {"date": "2024-02-03T04:05:06", "at": "04:05:06", "x": "nan", "a": {"b": ["c"]}}
    assert found.date == date(2024, 2, 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-02-03", date(2024, 2, 3)),
        ("2024-02-03 10:00:00", date(2024, 2, 3)),
        ("'2024-02-03'", date(2024, 2, 3)),
        ("'2024-02-03T10:00:00+02:00'", date(2024, 2, 3)),
        ("2024-02-31", None),
        ("February", None),
        ("2024", None),
        ("[2024-02-03]", None),
    ],
)
def test_the_date_is_read_where_it_can_be(value: str, expected: date | None) -> None:
    assert split_front_matter(f"---\ndate: {value}\n---\n").date == expected


@given(
    st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#,?%@ \n\t0.1~="), max_size=80),
    st.sampled_from(["---", "+++"]),
)
@settings(max_examples=400, deadline=None)
def test_no_front_matter_raises_or_yields_more_than_json(inside: str, fence: str) -> None:
    text = f"{fence}\n{inside}\n{fence}\nbody\n"
    found = split_front_matter(text)
    assert text.startswith(found.raw)
    json.dumps(found.fields, allow_nan=False)
