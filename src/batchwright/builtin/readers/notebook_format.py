"""The format of Jupyter notebooks: what of it is looked at. All else is skipped without being built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from batchwright.documents.left_out import ATTACHMENT, CELL_OUTPUT
from batchwright.errors import DocumentError
from batchwright.model import Omission

_LANGUAGE = re.compile(r"[\w+#.-]{1,40}", re.ASCII)
_BACKTICKS = re.compile(r"`{3,}")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")


class _Ignored(BaseModel):
    """Something that only counts."""


class _Cell(BaseModel):
    cell_type: str
    source: str | list[str] = ""
    input: str | list[str] = ""  # format 3: the source of code
    level: int = 1  # format 3: of a heading
    outputs: list[_Ignored] = []
    attachments: dict[str, _Ignored] | None = None

    def markdown(self, language: str) -> str:
        """Return the cell as Markdown; empty where it has nothing but white space."""
        text = "".join(self.source) or "".join(self.input)
        if not text.strip():
            return ""
        text = text.rstrip()
        if self.cell_type == "heading":
            return f"{'#' * min(6, max(1, self.level))} {' '.join(text.split())}"
        if self.cell_type == "code":
            fence = "`" * max(3, *(len(run) + 1 for run in ("", *_BACKTICKS.findall(text))))
            return f"{fence}{language}\n{text}\n{fence}"
        return _closed(text)


class _Worksheet(BaseModel):
    cells: list[_Cell] = []


class _Named(BaseModel):
    name: Any = None
    language: Any = None


class _Metadata(BaseModel):
    language_info: _Named = _Named()
    kernelspec: _Named = _Named()

    @property
    def language(self) -> str:
        """The language of the code, as a fence has it."""
        found = self.language_info.name or self.kernelspec.language
        return found if isinstance(found, str) and _LANGUAGE.fullmatch(found) else ""


class Notebook(BaseModel):
    """A notebook of format 3 or 4."""

    nbformat: int
    metadata: _Metadata = _Metadata()
    cells: list[_Cell] = []
    worksheets: list[_Worksheet] = []  # format 3

    @property
    def all_cells(self) -> Iterator[_Cell]:
        """The cells, in order."""
        yield from self.cells
        for worksheet in self.worksheets:
            yield from worksheet.cells

    def left_out(self) -> Iterator[Omission]:
        """Yield what the cells have besides their text."""
        for number, cell in enumerate(self.all_cells, 1):
            if cell.outputs:
                yield Omission(CELL_OUTPUT, f"cell {number}")
            for name in cell.attachments or ():
                yield Omission(ATTACHMENT, f"cell {number}: {name}")


def notebook_of(text: str, key: str) -> Notebook:
    """Return the notebook that a text is.

    Args:
        text: The text.
        key: Of the item, for the error.

    Raises:
        DocumentError: It isn't a notebook.
    """
    try:
        return Notebook.model_validate_json(text)
    except ValidationError as error:
        raise DocumentError(key, f"it isn't a Jupyter notebook: {_first(error)}") from None


def _closed(text: str) -> str:
    """Return a cell's Markdown with a fence that it leaves open closed: it ends with the cell."""
    fence = ""
    for line in text.splitlines():
        if found := _FENCE.match(line):
            run, info = found.groups()
            if not fence:
                fence = run
            elif run[0] == fence[0] and len(run) >= len(fence) and not info.strip():
                fence = ""
    return f"{text}\n{fence}" if fence else text


def _first(error: ValidationError) -> str:
    """Return what is wrong first, on one line, without values."""
    wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in wrong["loc"])
    return f"{place}: {wrong['msg']}" if place else str(wrong["msg"])
