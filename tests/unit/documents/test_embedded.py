"""Data URIs are left out of the text; spans and lines stay those of the file."""

from __future__ import annotations

import base64

import pytest

from batchwright.documents import Chunker
from batchwright.documents.embedded import without_embedded
from batchwright.model import Omission
from tests.support.reading import parse

VERSION = "00000000-0000-8000-8000-000000000000"
LONG = base64.b64encode(bytes(range(256)) * 40).decode()


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (f"a ![b](data:image/png;base64,{LONG}) c", "a ![b]() c"),
        (f'a ![b](data:image/png;base64,{LONG} "t") c', 'a ![b]( "t") c'),
        ("![b](data:image/gif;base64,R0lGODlh)", "![b]()"),
        ("![b](<data:image/gif;base64,R0lGODlh>)", "![b](<>)"),
        ("[i]: data:image/gif;base64,R0lGODlh\n", "[i]: \n"),
        (f"[i]: <data:image/jpeg;base64,{LONG}>\n", "[i]: <>\n"),
        (f'<img src="data:image/svg+xml;charset=utf-8;base64,{LONG}" alt="x">', '<img src="" alt="x">'),
        (f"<img src='data:image/svg+xml,%3Csvg{'%20' * 40}'>", "<img src=''>"),
        (f"url(data:font/woff2;base64,{LONG})", "url()"),
        (f"![a](data:image/png;base64,{LONG}) ![b](data:image/png;base64,{LONG})", "![a]() ![b]()"),
        (
            f'<img src="data:image/png;base64,{LONG[:76]}\n{LONG[76:152]}\r\n{LONG[152:160]}">',
            '<img src="\n\r\n">',
        ),
        (
            f'<img src="data:image/png;base64,\n{LONG[:76]}\n{LONG[76:152]}\n{LONG[152:160]}">',
            '<img src="\n\n\n">',
        ),
        (f"![b](DATA:IMAGE/PNG;BASE64,{LONG})", "![b]()"),
        ("![b](DATA:Image/Gif;base64,R0lGODlh)", "![b]()"),
    ],
)
def test_data_uris_are_left_out_and_lines_keep_their_numbers(text: str, bare: str) -> None:
    found = without_embedded(text)
    assert found.text == bare
    assert found.text.count("\n") == text.count("\n")
    assert len(found.text) + sum(size for _, size in found.gaps) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "no data: at all",
        "metadata:image/x",
        "as in `data:image/gif;base64,R0lGODlh`",
        f"data: {LONG}",
        f"data:{LONG}",
        "data:image/svg+xml;utf8,<svg>",
    ],
)
def test_what_is_none_or_a_short_example_stays(text: str) -> None:
    assert without_embedded(text) == (text, (), ())


@pytest.mark.parametrize("overlap", [0, 5])
def test_spans_are_those_of_the_file(overlap: int) -> None:
    image = f"![é](data:image/png;base64,{LONG})"
    body = f"# Ä\n\nBefore it.\n\n{image}\n\nAfter it.\n\n{image}{image} and {'more words ' * 60}\n\n{image}"
    data = b"\xef\xbb\xbf---\ntitle: x\n---\n" + body.encode()
    document = parse(data, "a.md")
    chunks = Chunker(24, overlap).chunk(document, VERSION)
    assert len(chunks) < 20
    assert document.left_out == (Omission("data URI", f"{len(LONG) + 22:,} bytes"),) * 4
    at = document.body_start
    for chunk in chunks:
        assert chunk.span_start == at
        assert chunk.span_end is not None
        content = (
            data[chunk.span_start : chunk.span_end].decode().replace(f"data:image/png;base64,{LONG}", "")
        )
        assert chunk.chunk_text.endswith(content) if overlap else chunk.chunk_text == content
        assert chunk.size <= 4 * len(chunk.chunk_text)
        at = chunk.span_end
    assert at == len(data)
