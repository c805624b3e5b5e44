"""Reads Word documents."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, ClassVar

from pydantic import Field

from batchwright import Document, DocumentError, Item, Omission, Reader, ReaderOptions
from batchwright.documents import describe
from batchwright.documents.left_out import COMMENT, IMAGE
from batchwright_formats.docx_survey import survey
from batchwright_formats.markup import markdown_of
from batchwright_formats.package import Package
from batchwright_formats.shown import shown
from batchwright_formats.whole import whole

# Beside the headings, which go by their outline level. Names are those that Word and LibreOffice write
# into the file, whatever language they speak.
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Quote'] => blockquote:fresh
p[style-name='Intense Quote'] => blockquote:fresh
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Preformatted Text'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
r[style-name='Source Text'] => code
r[style-name='HTML Code'] => code
r[style-name='Verbatim Char'] => code
"""
_COMMENTS = "comment-reference => sup\n"


class DocxOptions(ReaderOptions):
    """Options of the DOCX reader, ``[reader.docx]``.

    Attributes:
        max_bytes: Files above this size are refused.
        max_unpacked: Bytes of a file's text and styles, unpacked, at most.
        max_elements: Elements of these, at most: paragraphs, runs, cells and their properties. 10,000 of them
            take about a second and 10 MB of memory.
        comments: Whether comments are kept, at the end of the text.
    """

    max_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    max_unpacked: int = Field(default=32 * 1024 * 1024, ge=1)
    max_elements: int = Field(default=1_000_000, ge=1)
    comments: bool = False


class DocxReader(Reader[DocxOptions]):
    """Word documents as Markdown: headings, lists, tables, links, notes, text boxes; changes are accepted."""

    name = "docx"
    options_type = DocxOptions
    suffixes: ClassVar[tuple[str, ...]] = (".docx", ".docm")
    media_types: ClassVar[tuple[str, ...]] = (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-word.document.macroenabled.12",
    )
    version = 1

    def read(self, stream: BinaryIO, item: Item) -> Document:
        """Return the document.

        Raises:
            DocumentError: It is no DOCX file, broken, encrypted, too large, or nested too deeply.
        """
        data = whole(stream, item, self.options.max_bytes)
        try:
            found = survey(Package(data, self.options.max_unpacked, self.options.max_elements))
            html, images = self._html(data, found.levels)
            text, omissions = markdown_of(html)
        except ValueError as error:
            raise DocumentError(item.key, str(error)) from error
        left_out = [*found.left_out, *images, *omissions]
        if self.options.comments:
            left_out = [one for one in left_out if one.reason != COMMENT]
        return describe(item.key, text, found.fields, date_fields=self.date_fields, left_out=left_out)

    def _html(self, data: bytes, levels: dict[str, int]) -> tuple[str, list[Omission]]:
        """Return the document as HTML, with the images that are left out of it.

        Raises:
            ValueError: It can't be converted.
        """
        import mammoth

        images: list[Omission] = []

        def note(image: Any) -> list[Any]:
            alt = image.alt_text or ""
            images.append(Omission(IMAGE, shown(alt) or str(image.content_type)))
            return [mammoth.html.text(f" {alt} ")] if alt.strip() else []

        def with_level(paragraph: Any) -> Any:
            level = levels.get(paragraph.style_id)
            return paragraph.copy(style_id=f"Heading{level}", style_name=None) if level else paragraph

        try:
            result = mammoth.convert_to_html(
                io.BytesIO(data),
                style_map=_STYLES + (_COMMENTS if self.options.comments else ""),
                include_embedded_style_map=False,
                external_file_access=False,
                convert_image=note,
                transform_document=mammoth.transforms.paragraph(with_level),
            )
        except RecursionError:
            raise ValueError("it is nested too deeply; exclude it") from None
        except Exception as error:  # a broken document may make the converter raise anything
            reason = f"it can't be converted ({type(error).__name__}: {shown(str(error))})"
            raise ValueError(f"{reason}; save it again in Word, or exclude it") from error
        return str(result.value), images
