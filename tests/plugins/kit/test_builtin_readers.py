"""The built-in readers keep the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from batchwright import ReaderOptions
from batchwright.builtin.readers.markdown import MarkdownItems
from batchwright.builtin.readers.notebook import NotebookReader
from batchwright.builtin.readers.text import TextReader
from batchwright.testing import ReaderContract

NOTEBOOK = {
    "nbformat": 4,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "source": ["# Tea\n", "How *long*? ünd"], "attachments": {"a.png": {}}},
        {"cell_type": "code", "source": "print(3)", "outputs": [{"output_type": "stream", "text": "3"}]},
    ],
}


class TestMarkdown(ReaderContract):
    @pytest.fixture
    def make_reader(self) -> Callable[[], Any]:
        return lambda: MarkdownItems(ReaderOptions())

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        front = b"---\ntitle: Tea\ntags: [green, black]\ndate: 2026-03-04\nbad: [\n---\n"
        return {"a.md": front + b"# Tea\n\nHow *long*?\n", "b.markdown": "\ufeff# Über\n".encode()}


class TestNotebook(ReaderContract):
    @pytest.fixture
    def make_reader(self) -> Callable[[], Any]:
        return lambda: NotebookReader(ReaderOptions())

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {"tea.ipynb": json.dumps(NOTEBOOK).encode()}


class TestText(ReaderContract):
    @pytest.fixture
    def make_reader(self) -> Callable[[], Any]:
        return lambda: TextReader(ReaderOptions())

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {"a.txt": "Straße\r\n".encode() * 50, "b.log": b"\xef\xbb\xbfstarted"}
