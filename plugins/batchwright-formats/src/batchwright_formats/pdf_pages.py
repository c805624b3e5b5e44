"""The pages of a PDF file: the text of each, and what else is on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from batchwright import Omission
from batchwright.documents.left_out import COMMENT, DAMAGED, FORM, IMAGE, PAGE
from batchwright_formats.pdf_document import broken
from batchwright_formats.shown import shown

if TYPE_CHECKING:
    from pypdf import PageObject
    from pypdf import PdfReader as Pdf

_NOTES = {"/Text", "/FreeText", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Caret"}
_BYTES_AN_OPERATOR = 10  # what parsing costs, whether anything is drawn or not
_DRAWING = b"Do"  # draws a form, whose content is parsed each time, or an image
_OPERATORS_A_DRAWING = 100
_MOST_DRAWINGS = 5_000  # the converter takes no text from the forms that a page draws beyond these


class Page(NamedTuple):
    """A page: its number, from 1, its text as it was extracted, and what is left out of it."""

    number: int
    text: str
    left_out: tuple[Omission, ...]


class TooMuch(ValueError):
    """A file takes more operators than it may."""


class Budget:
    """Counts operators, so that a file made to take for ever ends; a clock would not be the same everywhere.

    Args:
        most: How many there may be in all pages together.
    """

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def spend(self, operators: int) -> None:
        """Count some.

        Raises:
            TooMuch: There are none left.
        """
        self._left -= operators
        if self._left < 0:
            raise TooMuch(
                f"its pages draw with more than {self._most:,} operators; raise max_operators of "
                "[reader.pdf], split it, or exclude it"
            )


def pages_of(pdf: Pdf, budget: Budget) -> Iterator[Page]:
    """Yield the pages in order; one that is damaged without its text.

    Raises:
        ValueError: The list of the pages is broken, or they take too much.
    """
    try:
        count = len(pdf.pages)
    except RecursionError:
        raise
    except Exception as error:  # a broken file may make it raise anything
        raise ValueError(f"{broken(error)}; get the file again, or exclude it") from error
    for number in range(1, count + 1):
        try:
            page = pdf.pages[number - 1]
            text, drawings = _text(page, budget)
            left_out = _left_out(page, number)
        except TooMuch:
            raise
        except Exception as error:  # noqa: BLE001 - likewise; it costs this page
            yield Page(number, "", (Omission(DAMAGED, f"page {number}: {broken(error)}"),))
            continue
        if drawings >= _MOST_DRAWINGS:
            left_out.append(
                Omission(DAMAGED, f"page {number}: text in drawings behind the first {_MOST_DRAWINGS:,}")
            )
        if not text.strip():
            scanned = "; scanned?" if any(one.reason == IMAGE for one in left_out) else ""
            left_out.append(Omission(PAGE, f"page {number}{scanned}"))
        yield Page(number, text, tuple(left_out))


def _text(page: PageObject, budget: Budget) -> tuple[str, int]:
    """Return the text of a page, and how many forms and images it draws."""
    content = page.get_contents()
    if content is not None:
        budget.spend(len(content.get_data()) // _BYTES_AN_OPERATOR)
    drawings = 0

    def count(operator: Any, *_: Any) -> None:
        nonlocal drawings
        if operator == _DRAWING:
            drawings += 1
            budget.spend(_OPERATORS_A_DRAWING)
        else:
            budget.spend(1)

    text = page.extract_text(visitor_operand_before=count)
    budget.spend(0)  # of what is raised in a form, the converter only makes a warning
    return text, drawings


def _left_out(page: PageObject, number: int) -> list[Omission]:
    found = [Omission(IMAGE, f"page {number}: {shown(str(name))}") for name in page.images.keys()]  # noqa: SIM118
    for reference in page.get("/Annots") or ():
        note = reference.get_object()
        kind, text = note.get("/Subtype"), note.get("/Contents")
        if kind in _NOTES and text:
            found.append(Omission(COMMENT, f"page {number}: {shown(str(text))}"))
        elif kind == "/Widget" and (value := note.get("/V")) and value != "/Off":
            found.append(Omission(FORM, f"page {number}: {shown(str(value))}"))
    return found
