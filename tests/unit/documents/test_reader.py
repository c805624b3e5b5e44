"""The reader: bytes to documents, and every way that can fail."""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path

import pytest

from batchwright.documents import MarkdownReader
from batchwright.errors import DocumentError
from batchwright.model import Document
from tests.support.reading import parse


def test_a_file_becomes_a_document(tmp_path: Path) -> None:
    front = b"---\r\ntitle: T\xc3\xbcr\r\ndate: 2024-02-03\r\ntags: [a]\r\n---\r\n"
    data = b"\xef\xbb\xbf" + front + b"# Other\r\n\r\ntext\r\n"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.md").write_bytes(data)
    document = MarkdownReader().read(tmp_path / "sub/a.md", tmp_path)
    assert document == Document(
        source_file="sub/a.md",
        text="# Other\r\n\r\ntext\r\n",
        content_hash=hashlib.sha256(data).hexdigest(),
        size=len(data),
        body_start=data.index(b"# Other"),
        front_matter=front.decode(),
        title="Tür",
        category="sub",
        document_date=date(2024, 2, 3),
        metadata={"title": "Tür", "date": "2024-02-03", "tags": ["a"]},
    )


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"## Second\n\n# First *one* #\n", "First one"),
        (b"Set\next\n===\n", "Set ext"),
        (b"# With `code<T>` and [link](x) { #anchor }\n", "With code<T> and link"),
        (b"```\n# code\n```\n", "guide"),
        (b"", "guide"),
        (b"#\n\ntext", "guide"),
        (b"---\ntitle: 2024\n---\n", "2024"),
        (b"---\ntitle: [a]\n---\n# H\n", "H"),
        (b"---\ntitle: ''\n---\n# H\n", "H"),
        (b"---\ntitle: true\n---\n# H\n", "H"),
    ],
)
def test_the_title_is_the_front_matters_then_the_first_headings_then_the_files(
    data: bytes, title: str
) -> None:
    document = parse(data)
    assert document.title == title
    assert document.metadata["title"] == title


@pytest.mark.parametrize(
    ("data", "source_file", "category"),
    [
        (b"---\ncategory: howto\n---\n", "a/b.md", "howto"),
        (b"---\ncategory: [x]\n---\n", "a/b.md", "a"),
        (b"", "a/b/c.md", "a"),
        (b"", "c.md", None),
    ],
)
def test_the_category_is_the_front_matters_then_the_first_folder(
    data: bytes, source_file: str, category: str | None
) -> None:
    assert parse(data, source_file).category == category


def test_a_hidden_file_without_a_stem_has_its_name_for_title() -> None:
    assert parse(b"", "x/.md").title == ".md"


def test_invalid_front_matter_is_kept_and_the_body_read() -> None:
    document = parse(b"---\ntitle: a: b\n---\n# H\n")
    assert document.text == "# H\n"
    assert document.front_matter == "---\ntitle: a: b\n---\n"
    assert document.metadata == {
        "front_matter_error": "title (line 2): mapping values are not allowed in this context",
        "title": "H",
    }


def test_nul_characters_and_line_ends_stay() -> None:
    assert parse(b"a\x00b\r\nc\rd\n").text == "a\x00b\r\nc\rd\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ok\ncaf\xe9 x\n", r"byte 6 \(0xe9, line 2\) isn't UTF-8; .*iconv -f WINDOWS-1252"),
        (b"\xef\xbb\xbfok\n\xff", r"byte 6 \(0xff, line 2\)"),
        (b"cut \xe4\xb8", r"byte 4 \(0xe4, line 1\)"),
        ("hi".encode("utf-16"), "it is UTF-16, not UTF-8"),
        (b"\xfe\xff\x00h", "it is UTF-16, not UTF-8"),
        ("# hi".encode("utf-16-le"), "it is UTF-16LE, not UTF-8"),
        ("# hi".encode("utf-16-be"), "it is UTF-16BE, not UTF-8"),
        ("# hi".encode("utf-32-le"), "it is UTF-32LE, not UTF-8"),
        ("hi".encode("utf-32"), "it is UTF-32, not UTF-8"),
        (b"\x89PNG\r\n\x00\x00", "looks like a file of bytes, not of text"),
        (b"\xed\xa0\x80", r"byte 0 \(0xed"),
    ],
)
def test_bytes_that_are_not_utf8_are_named_with_a_remedy(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        parse(data)
    assert caught.value.source_file == "guide.md"


def test_a_file_that_vanished_is_a_document_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"^a\.md: there is no such file"):
        MarkdownReader().read(tmp_path / "a.md")


def test_a_folder_is_a_document_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="isn't a regular file"):
        MarkdownReader().read(tmp_path)


def test_a_pipe_is_a_document_error_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.md")
    with pytest.raises(DocumentError, match="isn't a regular file"):
        MarkdownReader().read(tmp_path / "a.md")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied"), "permission to read it is denied; grant it"),
        (OSError(5, "Input/output error"), r"can't be read \(Input/output error\); check the disk"),
    ],
)
def test_what_the_system_refuses_is_a_document_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str
) -> None:
    # By a double, since root may read everything.
    (tmp_path / "a.md").write_text("x")

    def refuse(*args: object) -> bytes:
        raise error

    monkeypatch.setattr(os, "read", refuse)
    with pytest.raises(DocumentError, match=reason):
        MarkdownReader().read(tmp_path / "a.md")


def test_a_file_of_the_limit_is_read_and_a_larger_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"x" * 10)
    assert MarkdownReader(max_bytes=10).read(path).text == "x" * 10
    with pytest.raises(DocumentError, match="10 bytes or more, the limit is 9; split it, or raise the limit"):
        MarkdownReader(max_bytes=9).read(path)


def test_a_file_that_grows_is_read_to_its_end_or_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"x" * 4)
    real = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        path.write_bytes(b"x" * 100)
        return status

    monkeypatch.setattr(os, "fstat", grow)
    assert MarkdownReader(max_bytes=100).read(path).size == 100
    path.write_bytes(b"x" * 4)
    with pytest.raises(DocumentError, match="100 bytes or more"):
        MarkdownReader(max_bytes=99).read(path)


def test_descriptors_are_closed(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    reader = MarkdownReader()
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(20):
        reader.read(tmp_path / "a.md")
        with pytest.raises(DocumentError):
            reader.read(tmp_path)
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.parametrize(
    "name",
    ["real/a.md", "file.md", "chain.md", "folder/a.md", "folder/near.md", "real/up.md", "real/../file.md"],
)
def test_what_is_read_through_links_is_what_the_resolved_path_holds(tmp_path: Path, name: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.md").write_text("# A\n")
    (tmp_path / "b.md").write_text("# B\n")
    (tmp_path / "file.md").symlink_to("real/a.md")
    (tmp_path / "chain.md").symlink_to(tmp_path / "file.md")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "real/near.md").symlink_to("a.md")
    (tmp_path / "real/up.md").symlink_to("../b.md")
    resolved = (tmp_path / name).resolve()
    assert MarkdownReader().read(tmp_path / name, tmp_path).text == resolved.read_text()
    assert MarkdownReader().read(str(tmp_path / name), str(tmp_path)) == MarkdownReader().read(
        tmp_path / name, tmp_path
    )


@pytest.mark.parametrize("target", ["gone.md", "itself.md", "."])
def test_a_link_that_leads_to_no_file_is_a_document_error(tmp_path: Path, target: str) -> None:
    (tmp_path / "itself.md").symlink_to(target)
    with pytest.raises(DocumentError, match=r"itself\.md"):
        MarkdownReader().read(tmp_path / "itself.md")


def test_a_single_file_is_named_by_itself(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    assert MarkdownReader().read(tmp_path / "a.md").source_file == "a.md"


def test_a_limit_below_one_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        MarkdownReader(max_bytes=0)
