"""Documents that kill the process which reads them."""

from __future__ import annotations

from pathlib import Path

_KILLING = """
import os, signal
from batchwright.documents import reader

real = reader.MarkdownReader.parse

def parse(self, data, key):
    if b"deadly" in data:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, data, key)

reader.MarkdownReader.parse = parse
"""


def deadly_site(folder: Path) -> Path:
    """Return a folder for PYTHONPATH: every process that starts with it dies of a document with "deadly"."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_KILLING)
    return site
