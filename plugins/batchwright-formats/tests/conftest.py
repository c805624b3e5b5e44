"""What the tests share: reading bytes as a file of some name."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from batchwright_formats import DocxReader, HtmlReader, PdfReader
from hypothesis import settings

from batchwright import Document, Item, Reader
from batchwright.documents import finished

settings.register_profile("here", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("here")

Read = Callable[..., Document]


def reading(reader: type[Reader[Any]]) -> Read:
    """Return a function that reads bytes or text as the line does; `key` and `media_type` make the item."""

    def read(data: bytes | str, key: str = "", media_type: str = "", **options: Any) -> Document:
        data = data.encode() if isinstance(data, str) else data
        made = reader(reader.options_type(**options))
        item = Item(key or f"a{made.suffixes[0]}", media_type=media_type)
        return finished(made.read(io.BytesIO(data), item))

    return read


@pytest.fixture
def html() -> Read:
    """Read HTML."""
    return reading(HtmlReader)


@pytest.fixture
def docx() -> Read:
    """Read DOCX."""
    return reading(DocxReader)


@pytest.fixture
def pdf() -> Read:
    """Read PDF."""
    return reading(PdfReader)
