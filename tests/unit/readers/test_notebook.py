"""Notebooks: what of them is text, and what is left out."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from batchwright import DocumentError, Item, Omission
from batchwright.builtin.readers.notebook import NotebookReader
from batchwright.contracts.reader import ReaderOptions
from batchwright.documents.finishing import finished
from batchwright.model import Document


def read(notebook: Any, key: str = "lab/tea.ipynb") -> Document:
    data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    return finished(NotebookReader(ReaderOptions()).read(io.BytesIO(data), Item(key)))


def of_cells(*cells: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def markdown(*source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": list(source), **more}


def code(source: str, *outputs: Any) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": source, "outputs": outputs}


PYTHON = {"name": "python", "version": "3.11", "codemirror_mode": {"name": "ipython"}}


def test_text_stays_and_code_stands_in_fences_of_its_language() -> None:
    document = read(
        of_cells(
            markdown("# Tea\n", "\n", "How *long*?"),
            code("minutes = 3\nprint(minutes)\n", {"output_type": "stream", "text": ["3\n"]}),
            {"cell_type": "raw", "metadata": {}, "source": "as it is"},
            language_info=PYTHON,
        )
    )
    assert document.text == (
        "# Tea\n\nHow *long*?\n\n```python\nminutes = 3\nprint(minutes)\n```\n\nas it is\n"
    )
    assert (document.source_file, document.title, document.category) == ("lab/tea.ipynb", "Tea", "lab")


def test_what_code_put_out_and_what_is_attached_is_counted() -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "x" * 1_000}}
    document = read(
        of_cells(
            markdown("![a](attachment:a.png)", attachments={"a.png": {"image/png": "aGVsbG8="}}),
            code("plot()", picture, picture),
            code("quiet()"),
        )
    )
    assert document.left_out == (Omission("attachment", "cell 1: a.png"), Omission("cell output", "cell 2"))
    assert "x" * 100 not in document.text


def test_a_first_cell_may_be_front_matter() -> None:
    first = {"cell_type": "raw", "metadata": {}, "source": "---\ntitle: Tea\ndate: 2026-03-04\n---"}
    document = read(of_cells(first, markdown("Water.")))
    assert (document.title, str(document.document_date), document.text) == ("Tea", "2026-03-04", "\nWater.\n")


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, ""),
        ({"kernelspec": {"name": "ir", "language": "R"}}, "R"),
        ({"language_info": {"name": "c++"}, "kernelspec": {"language": "R"}}, "c++"),
        ({"language_info": {"name": "x\n```\nevil"}}, ""),
        ({"language_info": {"name": 3}}, ""),
    ],
)
def test_the_language_is_the_kernels_if_it_is_a_word(metadata: dict[str, Any], language: str) -> None:
    assert read(of_cells(code("1"), **metadata)).text == f"```{language}\n1\n```\n"


def test_code_with_fences_in_it_stands_in_a_longer_one() -> None:
    assert read(of_cells(code('"""\n````\n"""'))).text == '`````\n"""\n````\n"""\n`````\n'


@pytest.mark.parametrize(
    ("cell", "closed"),
    [
        ("```python\nopen", "```python\nopen\n```"),
        ("~~~~\nopen\n~~~\n```", "~~~~\nopen\n~~~\n```\n~~~~"),
        ("```\nclosed\n```", "```\nclosed\n```"),
        ("``` not `a` fence", "``` not `a` fence"),
        ("```\n``` python", "```\n``` python\n```"),
    ],
)
def test_a_fence_ends_with_its_cell(cell: str, closed: str) -> None:
    assert read(of_cells(markdown(cell), markdown("# Next"))).text == f"{closed}\n\n# Next\n"


def test_empty_cells_leave_no_trace_and_neither_does_an_empty_notebook() -> None:
    assert read(of_cells(markdown(" \n"), code(""), markdown("a"), code("\n"))).text == "a\n"
    assert read(of_cells()).text == ""
    assert read(of_cells()).title == "tea"


def test_format_3_is_read_too() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Green\n", "tea"]},
        {"cell_type": "code", "input": ["steep()"], "language": "python", "outputs": [{"text": "x"}]},
    ]
    document = read(
        {"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": cells}, {"cells": []}]}
    )
    assert document.text == "## Green tea\n\n```\nsteep()\n```\n"
    assert document.left_out == (Omission("cell output", "cell 2"),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Invalid JSON"),
        (b'{"nbformat": 4, "cells": [', "Invalid JSON"),
        (b"[]", "should be an object"),
        (b"{}", "nbformat: Field required"),
        (b'{"nbformat": 4, "cells": 3}', "cells: "),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {}}]}', "cells.0.source"),
        (b'{"nbformat": 4, "x": ' + b"[" * 100_000, "recursion limit"),
        (b"\xff", "isn't UTF-8"),
        (b"PK\x03\x04", "Invalid JSON"),
    ],
)
def test_what_is_no_notebook_is_refused_in_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(data)
    assert reason in caught.value.reason
    assert "\n" not in caught.value.reason
    assert len(caught.value.reason) < 200
