"""The built-in readers of Markdown and text, and which of them there are."""

from __future__ import annotations

import io

import pytest

from batchwright import DocumentError, Item, PluginManager
from batchwright.builtin.readers.markdown import MarkdownItems
from batchwright.builtin.readers.text import TextReader
from batchwright.contracts.reader import ReaderOptions
from batchwright.documents.finishing import finished
from batchwright.model import Document


def text_of(data: bytes, key: str) -> Document:
    return TextReader(ReaderOptions()).read(io.BytesIO(data), Item(key))


def test_they_are_offered_with_their_endings() -> None:
    offered = {
        name: reader
        for name, reader in PluginManager.load().offered("reader").items()
        if reader.__module__.startswith("batchwright.builtin.readers.")
    }
    endings = {name: reader.suffixes for name, reader in offered.items()}
    assert endings == {
        "markdown": (".md", ".markdown", ".mdx"),
        "notebook": (".ipynb",),
        "text": (".txt", ".text", ".log"),
    }
    assert [name for name, reader in offered.items() if not reader.by_default] == ["text"]


def test_markdown_is_read_with_its_front_matter_by_the_settings_fields_of_the_date() -> None:
    reader = MarkdownItems(ReaderOptions())
    data = b"---\ntitle: Tea\nwhen: 2026-03-04\n---\n# Green\n"
    assert reader.read(io.BytesIO(data), Item("a/tea.md")).document_date is None

    reader = MarkdownItems(ReaderOptions())
    reader.date_fields = ("when",)
    document = finished(reader.read(io.BytesIO(data), Item("a/tea.md")))
    assert (document.source_file, document.title, document.category) == ("a/tea.md", "Tea", "a")
    assert (str(document.document_date), document.text) == ("2026-03-04", "# Green\n")


def test_text_is_called_as_its_file_and_its_text_is_all_there_is() -> None:
    document = text_of("---\ntitle: no\n---\n# no title\r\nü\n".encode(), "logs/day.1.log.gz")
    assert document.text == "---\ntitle: no\n---\n# no title\r\nü\n"
    assert (document.source_file, document.title) == ("logs/day.1.log.gz", "day.1")


def test_text_begins_behind_a_byte_order_mark() -> None:
    document = text_of(b"\xef\xbb\xbfhello", "a.txt")
    assert (document.text, document.body_start) == ("hello", 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\nb\xff", "byte 3 (0xff, line 2)"),
        ("hello".encode("utf-16"), "it is UTF-16"),
        (b"\0\xff", "of bytes"),
    ],
)
def test_what_is_not_utf8_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError) as caught:
        text_of(data, "a.txt")
    assert reason in caught.value.reason


def test_an_empty_file_is_an_empty_document() -> None:
    assert text_of(b"", "a.txt").text == ""
