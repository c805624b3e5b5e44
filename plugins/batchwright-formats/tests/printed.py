"""Makes PDF files: by reportlab, and by hand where it can't."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from .word import PNG

TOP = 800


def printed(
    pages: Sequence[Sequence[str]], bookmarks: Sequence[tuple[int, int, str]] = (), **about: str
) -> bytes:
    """Return a PDF file.

    Args:
        pages: The lines of each page.
        bookmarks: Page from 1, level from 0, and title of each bookmark.
        about: `title`, `author`, `subject`, `keywords`.
    """
    target = io.BytesIO()
    canvas = Canvas(target, invariant=1)
    for name, value in about.items():
        getattr(canvas, f"set{name.title()}")(value)
    for number, lines in enumerate(pages, 1):
        for index, (page, level, title) in enumerate(bookmarks):
            if page == number:
                canvas.bookmarkPage(f"b{index}")
                canvas.addOutlineEntry(title, f"b{index}", level)
        for row, line in enumerate(lines):
            canvas.drawString(50, TOP - 15 * row, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def with_image() -> bytes:
    """Return a file of one page that shows an image, and says nothing."""
    target = io.BytesIO()
    canvas = Canvas(target, invariant=1)
    canvas.drawImage(ImageReader(io.BytesIO(PNG)), 50, 50)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def in_japanese(line: str) -> bytes:
    """Return a file with one line in a Japanese font."""
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    target = io.BytesIO()
    canvas = Canvas(target, invariant=1)
    canvas.setFont("HeiseiMin-W3", 12)
    canvas.drawString(50, TOP, line)
    canvas.save()
    return target.getvalue()


def by_hand(*objects: str, root: int = 1) -> bytes:
    """Return a file of these objects, numbered from 1."""
    made = bytearray(b"%PDF-1.7\n")
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{one}\nendobj\n".encode("latin-1")
    start = len(made)
    made += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for place in places:
        made += f"{place:010} 00000 n \n".encode()
    made += f"trailer\n<</Size {len(objects) + 1}/Root {root} 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(made)


def stream(content: str) -> str:
    """Return a stream object."""
    return f"<</Length {len(content)}>>\nstream\n{content}\nendstream"


FONT = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def one_page(content: str, extra: str = "", resources: str = "") -> tuple[str, ...]:
    """Return catalog, pages, page, content and font of a file with one page, to be given to `by_hand`."""
    return (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        f"/Resources<</Font<</F1 5 0 R>>{resources}>>{extra}>>",
        stream(content),
        FONT,
    )
