"""Front matter: what is one, what it says, and what it can't do."""

from __future__ import annotations

import json
import time
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwright.documents.front_matter import MAX_CHARACTERS, split_front_matter
from batchwright.documents.plain import plain_value


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
        "\n---\na: b\n---\n",
        " ---\na: b\n---\n",
        "---\n# Heading\n\n* [link: x\n---\n",
        "---\n# A slide\n---\n# Another\n---\n",
        "+++ not toml\n",
        "+++\nwords\n+++\n",
    ],
)
def test_anything_else_is_body(text: str) -> None:
    assert split_front_matter(text) == ("", {}, None, ())


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: never closed\n",
        "---\na: b\n---tail\n",
        "---\n" + "a: b\n" * (MAX_CHARACTERS // 5) + "---\n",
        "---\nname: Soup\n\n# How to\n\nPeel the carrots.\n\n---\n\nServe.\n",
        "---\nname: Soup\n\n# How to\n\nNote: peel the carrots.\n\n---\n\nServe.\n",
        "---\nname: Soup\n\n- carrots\n- leek\n\n---\n",
        "---\nname: Soup\nCarrots\n\nDiced: small\nLeek\n---\nSalt\n",
        "---\nname: {{ name }}\n\nCarrots, diced\n\n---\n",
        '+++\nname = "Soup"\n\nPeel the carrots.\n+++\n',
        '+++\nname = "Soup"\n',
    ],
)
def test_what_may_be_text_below_an_unclosed_fence_stays_text_and_is_noted(text: str) -> None:
    found = split_front_matter(text)
    assert (found.raw, found.fields) == ("", {})
    assert len(found.unreadable) == 1
    assert found.unreadable[0].startswith("it stays in the text: ")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bad: [unclosed", "bad (line 3): "),
        ("bad: a: b", "bad (line 3): mapping values are not allowed in this context"),
        ("bad: *.csv", "bad (line 3): "),
        ("bad: {{ name }}", "bad (line 3): "),
        ("bad: @home", "bad (line 3): "),
        ("bad: `x`", "bad (line 3): "),
        ("bad: %x", "bad (line 3): "),
        ('bad: "never ends', "bad (line 3): "),
        ("bad:\n\t- x", "bad (line 3): "),
        ("bad:\n- x: y: z\n- w", "bad (line 3): "),
        ("bad: [one,\ntwo, {]", "bad (line 3): "),
        ("bad: *good", "bad (line 3): aliases (*name) are not supported"),
        ("bad: *none", "bad (line 3): found undefined alias"),
        ("bad: &x [*x]", "bad (line 3): aliases (*name) are not supported"),
        ("bad: !!bool perhaps", "bad (line 3): 'perhaps' is no !!bool"),
        ("bad: !!int x", "bad (line 3): invalid literal"),
        ("bad: !!float x", "bad (line 3): could not convert"),
        ("bad: !!python/object:os.system x", "bad (line 3): the tag !!python/object:os.system is not"),
        ("bad: !include x.yml", "bad (line 3): the tag !include is not supported"),
        ("bad: !mine {a: b}", "bad (line 3): the tag !mine is not supported"),
        ("bad: " + "[" * 15000, "bad (line 3): nested more than 32 levels"),
        ("bad:\n " + "- " * 8000 + "x", "bad (line 3): nested more than 32 levels"),
        ("bad: " + "{b: " * 9000, "bad (line 3): nested more than 32 levels"),
        ("bad: {[b]: c}", "bad (line 3): a list or mapping can't be a name"),
        ("? [b]\n: c", "a key (line 3): a list or mapping can't be a name"),
        ("bad: \x07", "bad (line 3): "),
        ("bad: \0", "bad (line 3): "),
        ("bad: one\u2028two", "bad (line 3): "),  # which end a line in YAML 1.1 only
        ("bad: one\x85two", "bad (line 3): "),
        ("good: twice", "good (line 3): given twice; the last one stays"),
        ("bad: {x: 1, x: 2}", "bad.x (line 3): given twice; the last one stays"),
    ],
)
def test_a_line_that_cannot_be_read_costs_its_field_alone(line: str, reason: str) -> None:
    text = f"---\ngood: &good 1\n{line}\ndate: 2026-03-04\ntags: [a, b]\n---\n"
    found = split_front_matter(text)
    assert found.raw == text
    assert len(found.unreadable) == 1, found.unreadable
    assert found.unreadable[0].startswith(reason)
    assert found.fields["front_matter_error"] == found.unreadable[0]
    assert found.fields["tags"] == ["a", "b"]
    assert found.fields["good"] == ("twice" if line.startswith("good") else 1)
    assert found.date == date(2026, 3, 4)


def test_several_bad_lines_are_noted_each_with_its_line_in_the_file() -> None:
    text = "---\r\na: b: c\r\nd: 1\r\n\r\n# a comment\r\ne: @f\r\ng:\r\n  - h\r\n---\r\n"
    found = split_front_matter(text)
    assert [note.partition(":")[0] for note in found.unreadable] == ["a (line 2)", "e (line 6)"]
    assert {**found.fields, "front_matter_error": ""} == {"d": 1, "g": ["h"], "front_matter_error": ""}


def test_aliases_do_not_multiply() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 60)]
    found = split_front_matter("---\n" + "\n".join(lines) + "\n---\n")
    assert len(json.dumps(found.fields)) < 2_000
    assert len(found.unreadable) == 59


PLAIN: list[tuple[str, Any]] = [
    ("true", True),
    ("false", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("0", 0),
    ("-17", -17),
    ("9223372036854775807", 2**63 - 1),
    ("1.5", 1.5),
    ("-0.25", -0.25),
]
TEXT = (  # noqa: SIM905 - a list of strings would be four times as long
    "yes no on off y n True TRUE Null NO -0 007 +1 1_000 0x10 0o17 0b1 1e3 1.50 1. .5 -0.0 .inf .nan "
    "9223372036854775808 3.141592653589793238 10:20 10:20:30 1.2.3 2026-01-02 2026-01-02T03:04:05Z = << "
    "+431234567 \u0663"
).split()


@pytest.mark.parametrize(("text", "value"), [*PLAIN, *((text, text) for text in TEXT)])
def test_a_plain_value_is_a_number_only_if_it_is_written_the_same_way(text: str, value: object) -> None:
    found = fields(f"---\nx: {text}\ny:\n  - {text}\n---\n")
    assert found["x"] == value
    assert type(found["x"]) is type(value)
    assert found["y"] == [value]
    assert fields(f"---\nx: '{text}'\n---\n") == {"x": text}


@given(st.one_of(st.integers(), st.floats(), st.text("0123456789.-+eE_xNnoyes:", max_size=12)))
@settings(max_examples=300, deadline=None)
def test_whatever_a_plain_value_becomes_is_written_as_it_was(value: object) -> None:
    made = plain_value(str(value))
    written = str(made).lower() if isinstance(made, bool) else str(made)
    assert made is None or written == str(value)


def test_values_become_json() -> None:
    found = fields(
        "---\n"
        "title: T\n"
        "impossible: 2024-02-31\n"
        "tags: [a, 1, null, true, !!str 5]\n"
        "letters: !!set {b, a}\n"
        "blob: !!binary aGk=\n"
        "forced: [!!int '12', !!float 3, !!bool True, !!null '', !!float nan]\n"
        "2: two\n"
        "true: yes\n"
        "null: none\n"
        "nested: {when: 2024-02-03, 1: {2: 3}}\n"
        "---\n"
    )
    assert found == {
        "title": "T",
        "impossible": "2024-02-31",
        "tags": ["a", 1, None, True, "5"],
        "letters": ["b", "a"],
        "blob": "aGk=",
        "forced": [12, 3.0, True, None, "nan"],
        "2": "two",
        "true": "yes",
        "null": "none",
        "nested": {"when": "2024-02-03", "1": {"2": 3}},
    }
    json.dumps(found, allow_nan=False)


def test_toml_values_become_json() -> None:
    found = split_front_matter(
        "+++\ndate = 2024-02-03T04:05:06\nat = 04:05:06\nx = nan\nn = [1.10, 1.1, 1e5, 0x1F, -inf]\n"
        'big = 99999999999999999999\n[a]\nb = ["c"]\n[[d]]\ne = true\n+++\n'
    )
    assert found.fields == {
        "date": "2024-02-03T04:05:06",
        "at": "04:05:06",
        "x": "nan",
        "n": ["1.10", 1.1, "1e5", 31, "-inf"],
        "big": "99999999999999999999",
        "a": {"b": ["c"]},
        "d": [{"e": True}],
    }
    assert found.date == date(2024, 2, 3)
    assert not found.unreadable


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("bad = ", "bad"),
        ("bad = yes", "bad"),
        ('bad = "never ends', "bad"),
        ("bad = [1, 2", "bad"),
        ("bad = [1,\n2,\nx,\n]", "bad"),
        ('bad = """one\ntwo \\x"""', "bad"),
        ("good = 2", "good"),
        ("good.x = 2", "good.x"),
        ("bad = " + "[" * 20000, "bad"),
        ("bad" + ".a" * 9000 + " = 1", "bad.a.a"),
        ("bad = 1 2", "bad"),
    ],
)
def test_a_line_of_toml_that_cannot_be_read_costs_its_field_alone(line: str, name: str) -> None:
    text = (
        f"+++\ngood = 1\n{line}\ndate = 2026-03-04\n[table]\nx = 1\n[[list]]\ny = 1\n[[list]]\n"
        'y = 2\n[list.below]\nz = """\na = 3\n"""\n+++\n'
    )
    found = split_front_matter(text)
    assert found.raw == text
    (note,) = found.unreadable
    assert note.startswith(name)
    assert "(line 3)" in note
    assert found.fields == {
        "good": 1,
        "date": "2026-03-04",
        "table": {"x": 1},
        "list": [{"y": 1}, {"y": 2, "below": {"z": "a = 3\n"}}],
        "front_matter_error": note,
    }


def test_a_header_of_toml_that_cannot_be_read_costs_its_table() -> None:
    found = split_front_matter("+++\na = 1\n[b c]\nd = 2\n[a]\ne = 3\n[f]\ng = 4\n+++\n")
    assert {**found.fields, "front_matter_error": ""} == {"a": 1, "f": {"g": 4}, "front_matter_error": ""}
    assert [note.partition(" (")[0] for note in found.unreadable] == ["[b c]", "d", "[a]", "e"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-02-03", date(2024, 2, 3)),
        ("2024/02/03", date(2024, 2, 3)),
        ("2024.2.3", date(2024, 2, 3)),
        ("2024-02-03 10:00:00", date(2024, 2, 3)),
        ("2024/2/3 10:00 +0200", date(2024, 2, 3)),
        ("2024-02-03T10:00:00Z", date(2024, 2, 3)),
        ("'2024-02-03'", date(2024, 2, 3)),
        ("'2024-02-03T10:00:00+02:00'", date(2024, 2, 3)),
        ("2024-02-31", None),
        ("2024-02/03", None),
        ("03.02.2024", None),
        ("2024-02-033", None),
        ("February", None),
        ("2024", None),
        ("20240203", None),
        ("[2024-02-03]", None),
    ],
)
def test_the_date_is_read_where_it_can_be(value: str, expected: date | None) -> None:
    assert split_front_matter(f"---\ndate: {value}\n---\n").date == expected


@pytest.mark.parametrize("name", ["Date", "CREATED", "pubDate", "publishDate"])
def test_the_date_has_several_names_in_any_case(name: str) -> None:
    text = f"---\nmade: 2019-01-01\n{name}x: 2020-01-01\n{name}: 2026-03-04\n---\n"
    assert split_front_matter(text).date == date(2026, 3, 4)


def test_the_first_field_that_holds_a_date_counts_in_the_order_of_the_names() -> None:
    text = "---\nmade: 2020-01-01\nDate: 2021-01-01\nsent: never\n---\n"
    assert split_front_matter(text, ("sent", "MADE", "date")).date == date(2020, 1, 1)
    assert split_front_matter(text, ("sent",)).date is None


@pytest.mark.parametrize(
    "inside",
    [
        "+++\na" + ".a" * 30_000 + " = 1\n+++\n",
        "+++\n[" + "a." * 8_000 + "a]\n" + "".join(f"k{n} = 1\n" for n in range(4_000)) + "+++\n",
        "+++\n" + "a = [\n" * 10_000 + "+++\n",
        "+++\n" + "a = x\n" * 10_000 + "+++\n",
        '+++\na = """' + "\\\\" * 30_000 + '"""\n+++\n',
        "---\n" + "a: b: c\n" * 8_000 + "---\n",
        "---\na" + " " * 60_000 + "b\n---\n",
        "---\n" + "a:" * 30_000 + "\n---\n",
        "---\nx: @\n" + "a: [\nb\n" * 8_000 + "---\n",
        "---\na: &a 1\n" + "b: *a\n" * 9_000 + "---\n",
        "---\n" + "a: b\n" * 200_000 + "---\n",
        "---\n" + "\n# a\n" * 12_000 + "---\n",
    ],
)
def test_no_front_matter_takes_long(inside: str) -> None:
    began = time.process_time()
    split_front_matter(inside)
    assert time.process_time() - began < 1.0


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


@pytest.mark.parametrize(
    "text", ["---\rtitle: Fruit\r---\r# Apple\r", '+++\rtitle = "Fruit"\r+++\r# Apple\r']
)
def test_lines_may_end_as_on_an_old_mac(text: str) -> None:
    found = split_front_matter(text)
    assert found.fields == {"title": "Fruit"}
    assert text[len(found.raw) :] == "# Apple\r"
    assert found.raw == text[: len(found.raw)]
