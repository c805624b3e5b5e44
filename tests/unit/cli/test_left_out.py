"""What is left out is counted by reason and shown; it is no fault, and costs nothing else."""

from __future__ import annotations

import base64
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchwright.cli.left_out import in_words
from batchwright.documents.left_out import REASONS
from tests.unit.cli.conftest import Command


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"no reader: .pdf": 3, "no reader: .png": 12}, "12 .png, 3 .pdf (pip install batchwright-formats)"),
        ({"no reader: .pdf": 3, "no reader: .html": 2}, "3 .pdf (pip install batchwright-formats), 2 .html"),
        ({"outside the patterns: .pdf": 3}, "3 .pdf outside the patterns"),
        ({"hidden folder": 1, "link not followed": 2, "no reader: .a": 1}, "1 .a, 2 links, 1 hidden folder"),
        (
            {"characters cleaned": 1_234, "outside the patterns: .md": 1},
            "1,234 characters cleaned, 1 .md outside the patterns",
        ),
        ({"front matter field unreadable": 1, "of a plugin": 2}, "1 front matter field, 2 of a plugin"),
        (
            {**{f"no reader: .x{number}": number for number in range(1, 8)}, "data URI": 1},
            "7 .x7, 6 .x6, 5 .x5, 4 .x4, 6 other files, 1 data URI",
        ),
    ],
)
def test_the_line_says_first_what_is_most(counts: dict[str, int], words: str) -> None:
    order = in_words(counts).split(", ")
    assert sorted(order) == sorted(words.split(", "))
    assert order[0] == words.split(", ")[0]


def test_the_line_fits_however_much_there_is() -> None:
    line = in_words({**dict.fromkeys(REASONS, 123456789), "no reader: .png": 1})
    assert line.endswith(" more (--json)")
    assert len(line) < 130


def make(folder: Path) -> None:
    (folder / ".git").mkdir(parents=True)
    (folder / "node_modules").mkdir()
    (folder / "node_modules/a.md").write_text("# Not ours\n")
    (folder / "image.png").write_bytes(b"\0")
    (folder / "IMAGE.PNG").write_bytes(b"\0")
    (folder / "fields.md").write_text(
        "---\ntitle: Tea: green\nlevel: 1.10\nCreated: 2026/03/04 10:00\n---\n# Tea\n"
    )
    (folder / "unclosed.md").write_text("---\ntitle: Tea\n\nBlack tea.\n")
    image = base64.b64encode(bytes(3000)).decode()
    (folder / "picture.mdx").write_text(f"# Cup\n\n![cup](data:image/png;base64,{image})\n")
    (folder / "users.md").symlink_to("/etc/passwd")
    (folder / "linked").symlink_to("/etc")


LEFT_OUT = {
    "no reader: .png": 2,
    "link not followed": 2,
    "hidden folder": 1,
    "excluded folder": 1,
    "front matter unreadable": 1,
    "front matter field unreadable": 1,
    "data URI": 1,
}
LINE = (
    "  left out: 2 .png, 2 links, 1 front matter, 1 front matter field, 1 data URI, 1 excluded folder, "
    "1 hidden folder"
)


def test_a_run_and_its_plan_say_what_is_left_out(batchwright: Command, tmp_path: Path) -> None:
    make(tmp_path / "tea")
    for command in ("plan", "run"):
        outcome = batchwright(command, "tea")
        assert outcome.code == 0
        (line,) = [line for line in outcome.out.splitlines() if "left out" in line]
        assert line == LINE
    with closing(sqlite3.connect("batchwright.db")) as connection:
        query = "SELECT source_file, document_date, json_extract(metadata, '$.level') FROM knowledge_base"
        assert sorted(connection.execute(query)) == [
            ("fields.md", "2026-03-04", "1.10"),
            ("picture.mdx", None, None),
            ("unclosed.md", None, None),
        ]


def test_as_json_each_is_named(batchwright: Command, tmp_path: Path) -> None:
    make(tmp_path / "tea")
    planned = batchwright("plan", "tea", "--json", "-v").json
    assert planned["left_out_counts"] == LEFT_OUT
    found = batchwright("run", "tea", "--json").json
    assert found["account"]["left_out"] == LEFT_OUT
    assert sorted(planned["left_out"], key=str) == sorted(found["left_out"], key=str)
    named = {(one["reason"], one["key"]) for one in found["left_out"]}
    assert len(named) == len(found["left_out"]) == sum(LEFT_OUT.values())
    assert ("link not followed", "users.md") in named
    assert ("front matter unreadable", "unclosed.md") in named
    (field,) = [one["what"] for one in found["left_out"] if one["key"] == "fields.md"]
    assert field.startswith("title (line 2): ")


def test_with_v_a_plan_lists_what_is_left_out_beside_the_documents(
    batchwright: Command, tmp_path: Path
) -> None:
    make(tmp_path / "tea")
    for number in range(30):
        (tmp_path / f"tea/{number}.psd").touch()
    lines = [" ".join(line.split()) for line in batchwright("plan", "tea", "-v").out.splitlines()]
    assert "left out users.md link not followed" in lines
    assert "added unclosed.md 1 record" in lines
    (field,) = [line for line in lines if line.startswith("left out fields.md")]
    assert "front matter field unreadable: title (line 2): " in field
    assert sum(".psd no reader" in line for line in lines) == 20  # the first of each reason


def test_where_all_are_links_the_message_names_the_setting(batchwright: Command, tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault/docs").symlink_to(tmp_path / "docs")
    for command in ("run", "plan"):
        outcome = batchwright(command, "vault")
        assert outcome.code == 2
        assert "left out: 1 link (follow_symlinks = true follows them)" in outcome.err


def test_one_file_of_each_fault_costs_itself_and_no_other(batchwright: Command, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    make(folder)
    for number in range(100):
        (folder / f"{number:03}.md").write_text(f"# Good {number}\n\nText {number}.\n")
    (folder / "bytes.md").write_bytes(b"\xff\xfe\0")
    (folder / "broken.md").symlink_to("nowhere")
    (folder / "loop.md").symlink_to("loop.md")
    os.mkfifo(folder / "pipe.md")
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("name")
    (folder / "tag.md").write_text("---\ndraft: !!bool maybe\n---\nStored.\n")
    (folder / "deep.md").write_text("---\nx: " + "[" * 5_000 + "\n---\n" + "> " * 20_000 + "deep\n")
    outcome = batchwright("run", "many", "--json")
    account = outcome.json["account"]
    assert outcome.code == 3
    assert (account["documents"]["added"], account["documents"]["failed"]) == (105, 5)
    assert account["left_out"] == {**LEFT_OUT, "front matter field unreadable": 3}
    assert [one["key"] for one in outcome.json["failed_documents"]] == [
        "broken.md", "bytes.md", "caf\\xe9.md", "loop.md", "pipe.md",
    ]  # fmt: skip
    again = batchwright("run", "many")
    assert again.code == 3
    assert len(again.out.splitlines()) < 24
    assert max(map(len, again.out.splitlines())) < 200
