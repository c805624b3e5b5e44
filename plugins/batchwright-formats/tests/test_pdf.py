"""PDF: pages, bookmarks, what is left out and counted, what is refused."""

from __future__ import annotations

import io
import logging
import re
import time
import zlib
from collections import Counter
from contextlib import suppress
from datetime import date

import pytest
from batchwright_formats import PdfOptions, PdfReader
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

from batchwright import ConfigError, DocumentError, Omission
from batchwright.documents import Chunk, Chunker

from .conftest import Read, reading
from .printed import by_hand, in_japanese, one_page, printed, with_image

VERSION = "0" * 36


def test_each_page_is_headed_by_its_number_and_bookmarks_are_headings(pdf: Read) -> None:
    data = printed(
        [["Handbuch"], ["1 Anfang", "Text", "1.1 Mehr", "mehr Text"], ["noch mehr"]],
        [(2, 0, "1 Anfang"), (2, 1, "Mehr"), (3, 0, "Ende")],
        title="Tee",
        author="Ada",
        keywords="tee, kanne",
    )
    document = pdf(data, key="de/tee.pdf")
    assert document.text == (
        "###### Page 1\n\nHandbuch\n\n"
        "# 1 Anfang\n\n###### Page 2\n\nText\n\n## Mehr\n\n###### Page 2\n\nmehr Text\n\n"
        "# Ende\n\n###### Page 3\n\nnoch mehr\n\n"
    )
    assert (document.title, document.category, document.document_date) == ("Tee", "de", date(2000, 1, 1))
    assert document.metadata["author"] == "Ada"
    assert document.metadata["keywords"] == "tee, kanne"
    assert document.metadata["pages"] == 3
    assert document.left_out == ()


def test_a_chunk_says_its_page_and_its_chapter(pdf: Read) -> None:
    data = printed([["Anfang", *["Wort " * 15] * 30]] * 3, [(1, 0, "Anfang")], title="Tee")
    text = pdf(data).text
    chunks = Chunker(300).spans(text)
    assert {chunk.headings[0] for chunk in chunks} == {"Anfang"}
    assert [_page(text, chunk) for chunk in chunks] == [
        "Page 1",
        "Page 1",
        "Page 2",
        "Page 2",
        "Page 3",
        "Page 3",
    ]


def test_a_chunk_says_the_page_on_which_it_begins(pdf: Read) -> None:
    data = printed([[], ["zwei", *["Wort " * 15] * 9], ["drei"], ["vier", *["Wort " * 15] * 40]])
    for heading in ("Seite {number}", ""):
        document = pdf(data, page_heading=heading)
        assert len(document.pages) == 4
        assert document.text[document.pages[2] : document.pages[3]].endswith("drei\n\n")
        first, *others = Chunker(300).chunk(document, VERSION)
        assert first.page == 2, "the first page is empty"
        assert "zwei" in first.chunk_text
        assert "drei" in first.chunk_text, "it spans two pages, and says the first"
        assert {chunk.page for chunk in others} == {4}


def test_a_document_without_text_has_its_pages_and_no_chunks(pdf: Read) -> None:
    document = pdf(printed([[], []]))
    assert (document.text, document.pages) == ("", (0, 0))
    assert Chunker().chunk(document, VERSION) == []


def _page(text: str, chunk: Chunk) -> str:
    """Return the page that a chunk's headings say, or, where it holds a chapter's first, its text."""
    if chunk.headings[-1].startswith("Page "):
        return chunk.headings[-1]
    return text[chunk.start : chunk.end].partition("###### ")[2].partition("\n")[0]


def test_the_heading_of_a_page_is_an_option(pdf: Read) -> None:
    data = printed([["eins"], ["zwei"]])
    assert pdf(data, page_heading="Seite {number}").text.startswith("###### Seite 1\n\neins")
    assert pdf(data, page_heading="").text == "eins\n\nzwei\n\n"
    for heading in ("Seite", "{number}\nx"):
        with pytest.raises(ConfigError, match="page_heading"):
            PdfOptions(page_heading=heading)


@pytest.mark.parametrize(
    ("bookmarks", "title"), [([], "a"), ([(1, 0, "Eins")], "Eins"), ([(1, 0, "Eins"), (1, 0, "Zwei")], "a")]
)
def test_without_a_title_the_only_chapter_or_the_name_is_it(
    pdf: Read, bookmarks: list[tuple[int, int, str]], title: str
) -> None:
    assert pdf(printed([["Text"]], bookmarks, title="")).title == title


def test_a_bookmark_over_two_lines_takes_the_place_of_both(pdf: Read) -> None:
    data = printed([["vorher", "Ein langer", "Titel", "nachher"]], [(1, 0, "Ein langer Titel")])
    assert pdf(data, page_heading="").text == "vorher\n\n# Ein langer Titel\n\nnachher\n\n"


def test_divided_words_are_joined_where_the_document_has_them_in_one_piece(pdf: Read) -> None:
    lines = ["An exam-", "ple of a well-", "known word, for exam-", "ple an example, a co-", "operative"]
    text = pdf(printed([lines]), page_heading="").text
    assert (
        text
        == "An example\nof a well-\nknown word, for example\nan example, a co-\noperative\n\n".replace(
            "example\nof", "example\n of"
        ).replace("example\nan", "example\n an")
    )


def test_a_hyphen_of_the_word_itself_stays(pdf: Read) -> None:
    lines = ["a re-", "sign, to resign, to re-sign"]
    assert "re-\nsign" in pdf(printed([lines])).text


@pytest.mark.parametrize("line", ["# a", "```", "~~~", "<script>", "<!-- x", "$$", "-----", "===="])
def test_lines_that_look_like_markup_swallow_no_heading(pdf: Read, line: str) -> None:
    data = printed([["first", line, *["word " * 10] * 20], ["second"] + ["word " * 10] * 20], title="T")
    headings = {chunk.headings for chunk in Chunker(128).spans(pdf(data).text)}
    assert headings == {("Page 1",), ("Page 2",)}


def test_scripts_without_latin_letters_are_read(pdf: Read) -> None:
    assert "日本語のテキスト" in pdf(in_japanese("日本語のテキスト")).text


def test_pages_without_text_and_images_are_counted(pdf: Read) -> None:
    document = pdf(with_image())
    assert document.text == ""
    assert Counter(one.reason for one in document.left_out) == {"image": 1, "page without text": 1}
    assert Omission("page without text", "page 1; scanned?") in document.left_out


def test_notes_form_fields_and_attachments_are_counted(pdf: Read) -> None:
    annotations = (
        "/Annots[<</Type/Annot/Subtype/Text/Contents(a note)/Rect[0 0 9 9]>>"
        "<</Type/Annot/Subtype/Widget/V(filled in)/Rect[0 0 9 9]>>"
        "<</Type/Annot/Subtype/Link/Contents(no note)/Rect[0 0 9 9]>>]"
    )
    writer = PdfWriter(clone_from=io.BytesIO(by_hand(*one_page("BT /F1 9 Tf (x) Tj ET", annotations))))
    writer.add_attachment("data.csv", b"1,2")
    target = io.BytesIO()
    writer.write(target)
    assert pdf(target.getvalue()).left_out == (
        Omission("comment", "page 1: a note"),
        Omission("form field", "page 1: filled in"),
        Omission("embedded media", "data.csv"),
    )


def test_a_damaged_page_costs_itself_only(pdf: Read) -> None:
    objects = list(one_page("BT /F1 9 Tf (sound) Tj ET"))
    objects[1] = "<</Type/Pages/Kids[3 0 R 6 0 R]/Count 2>>"
    objects.append("<</Type/Page/Parent 2 0 R/Contents 7 0 R/Resources<</Font 8 0 R>>>>")
    objects.append("<</Length 9/Filter/NoSuchFilter>>\nstream\nBT ET\nendstream")
    document = pdf(by_hand(*objects))
    assert "sound" in document.text
    (omission,) = document.left_out
    assert (omission.reason, omission.what.partition(":")[0]) == ("damaged part", "page 2")
    objects[1] = "<</Type/Pages/Kids[6 0 R]/Count 1>>"
    with pytest.raises(DocumentError, match="none of its pages can be read"):
        pdf(by_hand(*objects))


def encrypted(user: str, algorithm: str) -> bytes:
    """Return a file that `user` opens."""
    writer = PdfWriter(clone_from=io.BytesIO(printed([["geheim"]])))
    writer.encrypt(user, "owner", algorithm=algorithm)
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_file_opens_unless_it_takes_a_password(pdf: Read, algorithm: str) -> None:
    assert "geheim" in pdf(encrypted("", algorithm)).text
    with pytest.raises(DocumentError, match="encrypted with a password"):
        pdf(encrypted("user", algorithm))


def test_a_page_that_draws_for_ever_is_refused(pdf: Read) -> None:
    with pytest.raises(DocumentError, match="more than 1,000 operators"):
        pdf(by_hand(*one_page("BT /F1 9 Tf " + "(x) Tj " * 1000 + "ET")), max_operators=1000)


def test_forms_that_draw_each_other_use_up_the_operators(pdf: Read) -> None:
    form = (
        "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {} 0 R>>>>/Length {}>>\n"
        "stream\n{}\nendstream"
    )
    content = "/X Do " * 10
    forms = [form.format(number + 1, len(content), content) for number in range(6, 14)]
    objects = [
        *one_page("/X Do", resources="/XObject<</X 6 0 R>>"),
        *forms,
        form.format(6, len(content), content),
    ]
    begun = time.process_time()
    with pytest.raises(DocumentError, match="more than 50,000 operators"):
        pdf(by_hand(*objects), max_operators=50_000)
    assert time.process_time() - begun < 20


def test_pages_that_hold_themselves_and_bookmarks_in_a_circle_end(pdf: Read) -> None:
    objects = list(one_page("BT /F1 9 Tf (x) Tj ET"))
    objects[0] = "<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>"
    objects.append("<</Type/Outlines/First 7 0 R/Last 7 0 R>>")
    objects.append("<</Title(round)/Parent 6 0 R/Next 7 0 R/First 7 0 R/Dest[3 0 R/Fit]>>")
    assert "x" in pdf(by_hand(*objects)).text
    objects[1] = "<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>"
    with suppress(DocumentError):
        pdf(by_hand(*objects))


def test_content_that_unpacks_to_a_gigabyte_is_not_unpacked(pdf: Read) -> None:
    packed = zlib.compress(b" " * 200_000_000, 9).decode("latin-1")
    objects = list(one_page(""))
    objects[3] = f"<</Length {len(packed)}/Filter/FlateDecode>>\nstream\n{packed}\nendstream"
    with pytest.raises(DocumentError, match="none of its pages can be read"):
        pdf(by_hand(*objects))


REFUSED = {
    "it is empty": b"",
    "isn't a PDF file": b"<html>",
    "it is broken": b"%PDF-1.7\n%%EOF",
    "broken ": b"%PDF-1.7\n" + b"x" * 5000,
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_can_not_be_read_is_refused_with_the_reason(pdf: Read, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        pdf(REFUSED[reason], key="x/a.pdf")
    assert caught.value.source_file == "x/a.pdf"


SOUND = printed([["Seite eins"], ["Seite zwei"]], [(1, 0, "Eins"), (2, 0, "Zwei")], title="Tee")


@given(st.binary(max_size=100), st.integers(0, 10_000))
def test_damage_gives_a_document_or_says_why_not(damage: bytes, place: int) -> None:
    data = bytearray(SOUND)
    data[place % len(data) : place % len(data) + len(damage)] = damage
    with suppress(DocumentError):
        reading(PdfReader)(bytes(data))


@given(st.integers(1, len(SOUND) - 1))
def test_a_cut_file_gives_a_document_or_says_why_not(length: int) -> None:
    with suppress(DocumentError):
        reading(PdfReader)(SOUND[:length])


def test_the_same_bytes_give_the_same_document(pdf: Read) -> None:
    assert pdf(SOUND) == pdf(SOUND)


def test_broken_files_print_nothing(pdf: Read, capfd: pytest.CaptureFixture[str]) -> None:
    assert pdf(re.sub(rb"startxref\n[0-9]+", b"startxref\n7", SOUND)).text
    assert logging.getLogger("pypdf").handlers
    assert capfd.readouterr().err == ""
