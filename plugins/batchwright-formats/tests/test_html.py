"""HTML: what is kept, what is left out, in which encoding."""

from __future__ import annotations

import codecs
from collections import Counter
from datetime import date

import pytest
from batchwright_formats import HtmlOptions

from batchwright import ConfigError, DocumentError, Omission
from batchwright.documents import Chunker

from .conftest import Read

PAGE = """<!doctype html><html lang="de"><head><title>Tee &amp; Kuchen</title>
<meta name="author" content="Ada"><meta name="description" content="Was es gibt">
<meta name="keywords" content="tee, kuchen">
<meta property="article:published_time" content="2024-03-05T10:00:00Z"><meta name="viewport" content="x">
<link rel="canonical" href="https://example.org/tee"><style>p { color: red }</style>
<script>alert("script")</script></head>
<body><nav><a href="/">Start</a></nav><template>template</template><p hidden>hidden</p>
<p style="display: none">unseen</p>
<h1>Tee</h1><p>Grüner <b>Tee</b>, <a href="kanne.html">Kanne</a></p>
<pre><code class="language-python">print("&lt;tee&gt;")</code></pre>
<table><tr><th>Sorte</th><th>Preis</th></tr><tr><td>Assam</td><td>3|4</td></tr></table>
<ul><li>eins<ul><li>zwei</li></ul></li></ul>
<img src="a.png" alt="Kanne"><img src="data:image/png;base64,AAAA" alt="Tasse">
<svg><path d="M0"/></svg><video src="v.mp4"></video><button>Kaufen</button></body></html>"""


def test_a_page_becomes_markdown(html: Read) -> None:
    document = html(PAGE, key="de/tee.html")
    assert document.text == (
        "# Tee\n\nGrüner **Tee**, [Kanne](kanne.html)\n\n"
        '```python\nprint("<tee>")\n```\n\n'
        "| Sorte | Preis |\n| --- | --- |\n| Assam | 3\\|4 |\n\n"
        "- eins\n  * zwei\n\n![Kanne](a.png) Tasse [video](v.mp4)\n"
    )
    assert (document.source_file, document.category, document.title) == ("de/tee.html", "de", "Tee & Kuchen")
    assert document.document_date == date(2024, 3, 5)
    assert document.metadata == {
        "title": "Tee & Kuchen",
        "author": "Ada",
        "description": "Was es gibt",
        "keywords": ["tee", "kuchen"],
        "language": "de",
        "url": "https://example.org/tee",
        "published": "2024-03-05T10:00:00Z",
    }


def test_what_it_can_not_hold_is_counted_and_named_with_its_line(html: Read) -> None:
    left_out = html(PAGE).left_out
    assert Counter(one.reason for one in left_out) == {"navigation": 1, "image": 3, "embedded media": 1}
    assert Omission("image", 'line 13: <img src="a.png" alt="Kanne"') in left_out


def test_images_in_comments_and_scripts_are_none(html: Read) -> None:
    page = "<!-- <img src=a> --><script>'<img src=b>'</script><p>text</p><!-- <img src=c>"
    assert html(page).left_out == ()


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title> </title><h1>Heading <i>one</i></h1>", "Heading one"),
        ('<meta property="og:title" content="Graph"><p>x', "Graph"),
        ("<p>x<svg><title>Drawing</title></svg>", "a"),
        ("<title>A: 'b'\n---\nc</title><p>---</p>", "A: 'b'\n---\nc"),
    ],
)
def test_the_title_is_the_pages_then_the_first_heading_then_the_name(
    html: Read, page: str, title: str
) -> None:
    assert html(page).title == title


@pytest.mark.parametrize(
    ("meta", "day"),
    [
        ('<meta name="date" content="2024-03-05">', date(2024, 3, 5)),
        ('<meta name="DC.date" content="2020-01-02">', date(2020, 1, 2)),
        ('<meta name="dcterms.created" content="2019-01-02">', date(2019, 1, 2)),
        ('<meta name="date" content="yesterday">', None),
        ('<meta property="article:modified_time" content="2024-03-05">', None),
    ],
)
def test_the_date_is_found_under_its_names(html: Read, meta: str, day: date | None) -> None:
    assert html(f"<html><head>{meta}</head><p>x").document_date == day


def test_navigation_is_kept_and_more_is_left_out_if_asked_for(html: Read) -> None:
    document = html(PAGE, navigation=True, exclude=["pre", "table"])
    assert "[Start](/)" in document.text
    assert "print" not in document.text
    assert "Assam" not in document.text
    assert not any(one.reason == "navigation" for one in document.left_out)


def test_a_heading_loses_the_link_to_itself_and_no_other(html: Read) -> None:
    page = '<h2>One<a class="headerlink" href="#one" title="Link">¶</a></h2><h2><a href="#two">Two</a></h2>'
    assert html(page).text == "## One\n\n## [Two](#two)\n"


def test_a_fence_shows_no_markup_of_links(html: Read) -> None:
    assert html("<pre><code>a <a href=x>b</a></code></pre>").text == "```\na b\n```\n"


TEXT_THAT_LOOKS_LIKE_MARKUP = [
    "&lt;script&gt;",
    "&lt;!-- comment",
    "&lt;div&gt;",
    "# x",
    "```",
    "~~~",
    "$$",
    "x<br>=====",
    "x<br>-----",
    "&gt; x",
]


@pytest.mark.parametrize("text", TEXT_THAT_LOOKS_LIKE_MARKUP)
def test_text_that_looks_like_markup_swallows_no_heading(html: Read, text: str) -> None:
    document = html(f"<h1>A</h1><p>{text}</p>{'<p>word word</p>' * 60}<h2>B</h2>{'<p>word word</p>' * 60}")
    headings = [chunk.headings for chunk in Chunker(64).spans(document.text)]
    assert headings[0] == ("A",)
    assert headings[-1] == ("A", "B")
    assert set(headings) <= {("A",), ("A", "B")}


def test_code_keeps_what_is_escaped_elsewhere(html: Read) -> None:
    page = "<ul><li><pre>&lt;div&gt;\n=====\n$$</pre></li></ul><blockquote><pre>&lt;p&gt;</pre></blockquote>"
    text = html(page).text
    assert "\\" not in text
    assert all(part in text for part in ("<div>", "=====", "$$", "<p>"))


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (codecs.BOM_UTF8 + "<p>Grüße".encode(), "text/html; charset=latin-1"),
        (codecs.BOM_UTF16_LE + "<p>Grüße".encode("utf-16-le"), ""),
        (codecs.BOM_UTF16_BE + "<p>Grüße".encode("utf-16-be"), ""),
        ("<meta charset=utf-8><p>Grüße".encode("cp1252"), 'text/html; charset="windows-1252"'),
        ("<meta charset=iso-8859-1><p>Grüße".encode("cp1252"), ""),
        ('<?xml version="1.0" encoding="ISO-8859-15"?><p>Grüße'.encode("iso8859-15"), ""),
        (
            '<meta http-equiv="Content-Type" content="text/html; charset=macintosh"><p>Grüße'.encode(
                "mac-roman"
            ),
            "",
        ),
        ("<!-- <meta charset=koi8-r> --><p>Grüße".encode(), ""),
        ("<meta charset=nonsense><p>Grüße".encode(), ""),
        ("<meta charset=utf-16><p>Grüße".encode(), ""),
    ],
)
def test_the_encoding_is_that_of_mark_server_or_page(html: Read, data: bytes, media_type: str) -> None:
    assert html(data, media_type=media_type).text == "Grüße\n"


@pytest.mark.parametrize("encoding", ["shift_jis", "gb2312", "big5", "euc-kr", "euc-jp", "iso-2022-jp"])
def test_encodings_of_east_asia_are_read_under_the_names_that_pages_use(html: Read, encoding: str) -> None:
    text = {"euc-kr": "안녕", "gb2312": "中文", "big5": "中文"}.get(encoding, "日本語")
    data = f"<meta charset={encoding}><p>".encode() + text.encode(encoding)
    assert html(data).text == f"{text}\n"


def test_what_browsers_read_as_windows_1252_is(html: Read) -> None:
    assert html(b"<meta charset=iso-8859-1><p>\x93x\x94").text == "“x”\n"


def test_nothing_is_guessed_where_a_page_says_no_encoding(html: Read) -> None:
    data = "<p>\nGrüße".encode("cp1252")
    with pytest.raises(DocumentError, match=r"byte 6 \(0xfc, line 2\) isn't utf-8; set encoding"):
        html(data)
    assert html(data, encoding="windows-1252").text == "Grüße\n"


def test_single_bytes_that_do_not_fit_are_replaced_and_counted(html: Read) -> None:
    document = html(b"<meta charset=utf-8><p>" + b"x" * 300 + b"\xff")
    assert document.text.endswith("x\ufffd\n")
    assert document.left_out == (Omission("characters cleaned", "undecodable bytes"),)
    with pytest.raises(DocumentError, match="says that it is utf-8, but byte"):
        html(b"<meta charset=utf-8><p>" + b"\xff" * 300)


@pytest.mark.parametrize("name", ["punycode", "unicode_escape", "rot13", "base64", "utf-7", "idna", "x" * 50])
def test_an_encoding_that_is_none_of_html_is_not_used(html: Read, name: str) -> None:
    assert html(f"<meta charset={name}><p>x\\n").text == "x\\n\n"
    with pytest.raises(ConfigError, match="encoding"):
        HtmlOptions(encoding=name)


@pytest.mark.parametrize("data", [b"", b"\x7fELF\0\0\0", b"<p>" + b"\0" * 100])
def test_what_is_no_text_is_refused(html: Read, data: bytes) -> None:
    with pytest.raises(DocumentError, match="exclude it"):
        html(data)


def test_scripts_of_right_to_left_and_without_spaces_stay_as_they_are(html: Read) -> None:
    assert html("<p dir=rtl>שלום <b>עולם</b></p><p>日本語<br>テスト🍵</p>").text == (
        "שלום **עולם**\n\n日本語  \nテスト🍵\n"
    )


def test_xhtml_with_empty_scripts_is_read(html: Read) -> None:
    head = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><script src="a"/></head>'
    page = f"{head}<body><p>x</p></body></html>"
    assert html(page, key="a.xhtml").text == "x\n"


def test_a_page_that_is_too_large_is_refused_before_it_is_read_whole(html: Read) -> None:
    with pytest.raises(DocumentError, match="more than 10 bytes"):
        html(b"x" * 11, max_bytes=10)
    assert html(b"x" * 10, max_bytes=10).text == "x" * 10 + "\n"
