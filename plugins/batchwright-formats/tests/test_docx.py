"""DOCX: what is kept, what is left out and counted, what is refused."""

from __future__ import annotations

import io
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from batchwright_formats import DocxReader
from hypothesis import given
from hypothesis import strategies as st

from batchwright import DocumentError, Omission

from .conftest import Read, reading
from .word import PNG, W, by_hand, paragraph, saved, word, zipped


def test_a_document_becomes_markdown(docx: Read) -> None:
    made = word()
    made.core_properties.title = "Tee"
    made.core_properties.author = "Ada"
    made.core_properties.keywords = "tee; kanne, 茶"
    made.core_properties.created = datetime(2024, 3, 5, 10, tzinfo=UTC)
    made.add_heading("Tee", 0)
    made.add_heading("Sorten", 1)
    made.add_paragraph("Grüner ").add_run("Tee").bold = True
    made.add_heading("Preise", 2)
    table = made.add_table(2, 2)
    for place, text in enumerate(["Sorte", "Preis", "Assam", "3|4"]):
        table.cell(place // 2, place % 2).text = text
    made.add_paragraph("eins", style="List Bullet")
    made.add_paragraph("zwei", style="List Number")
    made.add_paragraph("Abwarten", style="Quote")
    made.add_paragraph("# <script> 日本語 שלום")
    document = docx(saved(made), key="de/tee.docx")
    assert document.text == (
        "# Tee\n\n# Sorten\n\nGrüner **Tee**\n\n## Preise\n\n"
        "| Sorte | Preis |\n| --- | --- |\n| Assam | 3\\|4 |\n\n"
        "- eins\n\n1. zwei\n\n> Abwarten\n\n\\# <script> 日本語 שלום\n"
    )
    assert (document.title, document.category, document.document_date) == ("Tee", "de", date(2024, 3, 5))
    assert document.metadata["author"] == "Ada"
    assert document.metadata["keywords"] == ["tee", "kanne", "茶"]
    assert document.metadata["created"] == "2024-03-05T10:00:00Z"
    assert document.left_out == ()


def test_headings_go_by_the_outline_level_whatever_their_style_is_called(docx: Read) -> None:
    styles = f"""<w:styles xmlns:w="{W}">
      <w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="Überschrift 1"/>
        <w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
      <w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="見出し"/>
        <w:basedOn w:val="berschrift1"/></w:style>
      <w:style w:type="paragraph" w:styleId="Deep"><w:name w:val="d"/>
        <w:pPr><w:outlineLvl w:val="8"/></w:pPr></w:style>
      <w:style w:type="paragraph" w:styleId="Body"><w:name w:val="b"/><w:basedOn w:val="Mine"/>
        <w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style>
      <w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="l"/><w:basedOn w:val="Loop"/></w:style>
    </w:styles>"""
    body = "".join(paragraph(style, style) for style in ("berschrift1", "Mine", "Deep", "Body", "Loop"))
    data = by_hand(body, {"word/styles.xml": styles})
    assert docx(data).text == "# berschrift1\n\n# Mine\n\n###### Deep\n\nBody\n\nLoop\n"


def test_what_is_left_out_is_counted(docx: Read) -> None:
    made = word()
    first = made.add_paragraph("Text")
    made.add_picture(io.BytesIO(PNG))
    made.inline_shapes[0]._inline.docPr.set("descr", "Eine Kanne")
    made.sections[0].header.paragraphs[0].text = "Vertraulich"
    made.sections[0].footer.paragraphs[0].text = ""
    made.add_comment(first.runs, text="Stimmt das?", author="Ada")
    document = docx(saved(made))
    assert document.text == "Text\n\nEine Kanne\n"
    assert set(document.left_out) == {
        Omission("image", "Eine Kanne"),
        Omission("header or footer", "Vertraulich"),
        Omission("comment", "Stimmt das?"),
    }
    kept = docx(saved(made), comments=True)
    assert "Stimmt das?" in kept.text
    assert Counter(one.reason for one in kept.left_out) == {"image": 1, "header or footer": 1}


def test_tracked_changes_are_accepted_and_deletions_counted(docx: Read) -> None:
    body = (
        "<w:p><w:r><w:t>Neu </w:t></w:r><w:ins><w:r><w:t>eingefügt</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>gestrichen</w:delText></w:r></w:del></w:p>"
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>bleibt</w:t></w:r></w:p>" + paragraph("Ende")
    )
    document = docx(by_hand(body))
    assert document.text.startswith("Neu eingefügt\n\nbleibtEnde")
    assert document.left_out == (Omission("deleted text", "gestrichen"),)


def test_formulas_and_objects_are_counted_once_each(docx: Read) -> None:
    maths = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    body = (
        f'<w:p><m:oMathPara xmlns:m="{maths}"><m:oMath><m:r><m:t>E=mc²</m:t></m:r></m:oMath></m:oMathPara>'
        '</w:p><w:p><w:r><w:object><o:OLEObject xmlns:o="urn:schemas-microsoft-com:office:office"/>'
        "</w:object></w:r></w:p>"
    )
    assert docx(by_hand(body)).left_out == (
        Omission("formula", "E=mc²"),
        Omission("embedded media", "OLEObject"),
    )


def test_notes_and_text_boxes_are_kept(docx: Read) -> None:
    note = f'<w:footnote w:id="2">{paragraph("Eine Fußnote")}</w:footnote>'
    notes = f'<w:footnotes xmlns:w="{W}">{note}</w:footnotes>'
    box = (
        '<w:p><w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><w:txbxContent>'
        f"{paragraph('Im Kasten')}</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"
    )
    body = '<w:p><w:r><w:t>Text</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>' + box
    text = docx(by_hand(body, {"word/footnotes.xml": notes})).text
    assert "Im Kasten" in text
    assert "Eine Fußnote" in text


def test_the_title_is_the_first_heading_where_properties_say_none(docx: Read) -> None:
    assert docx(by_hand(paragraph("Kapitel", "Heading1"))).title == "Kapitel"
    assert docx(by_hand(paragraph("Text")), key="a/b c.docx").title == "b c"


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
REFUSED = {
    "of Word 97 to 2003": OLE,
    "it is encrypted; remove its password": OLE + "EncryptedPackage".encode("utf-16-le"),
    "it is empty": b"",
    "isn't a Word document": b"PK\x03\x04 but no zip",
    "isn't a Word document: a zip": zipped({"a.txt": "x"}),
    "document.xml is broken": by_hand("<w:p>"),
    "is nested more than 150 levels deep": by_hand("<w:p>" * 200 + "</w:p>" * 200),
    "has a DTD": by_hand(
        paragraph("&b;"), head='<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    ),
    "takes [0-9,]+ bytes unpacked, the limit is 33,554,432": by_hand("<w:p/>" * 6_000_000),
    "more than 1,000,000 elements": by_hand("<w:p/>" * 1_000_001),
    "can't be converted": zipped({"[Content_Types].xml": "<Types/>", "word/other.xml": "<a/>"}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_can_not_be_read_is_refused_with_the_reason(docx: Read, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        docx(REFUSED[reason], key="x/a.docx")
    assert caught.value.source_file == "x/a.docx"


def test_a_part_that_says_it_is_smaller_than_it_is_gives_no_more_than_it_says(docx: Read) -> None:
    data = bytearray(by_hand(paragraph("x" * 1_000_000)))
    entry = data.rindex(b"word/document.xml") - 46
    data[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    with pytest.raises(DocumentError, match=r"document.xml (can't be unpacked|is broken)"):
        docx(bytes(data))


def test_a_cut_file_is_refused_wherever_it_is_cut(docx: Read) -> None:
    data = saved(word())
    for length in range(1, len(data) - 30, 997):
        with pytest.raises(DocumentError):
            docx(data[:length])


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_damage_gives_a_document_or_says_why_not(damage: bytes, place: int) -> None:
    data = bytearray(SOUND)
    data[place % len(data) : place % len(data) + len(damage)] = damage
    with suppress(DocumentError):
        reading(DocxReader)(bytes(data))


SOUND = by_hand("".join(paragraph(f"Absatz {number}") for number in range(50)))


def test_a_table_that_says_it_spans_a_billion_columns_ends_in_seconds(docx: Read) -> None:
    cell = '<w:tc><w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr><w:p/></w:tc>'
    begun = time.process_time()
    docx(by_hand(f"<w:tbl><w:tr>{cell}{cell}</w:tr></w:tbl>"))
    assert time.process_time() - begun < 10


def test_the_same_bytes_give_the_same_document(docx: Read) -> None:
    assert docx(SOUND) == docx(SOUND)
