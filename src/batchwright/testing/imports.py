"""Which names of batchwright a plugin uses that aren't offered to plugins."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PUBLIC = frozenset(
    {
        "batchwright",
        "batchwright.sinkkit.columns",
        "batchwright.documents",
        "batchwright.contracts.events",
        "batchwright.contracts.figures",
        "batchwright.sinkkit.rejects",
        "batchwright.sinkkit.excerpts",
        "batchwright.secrets",
        "batchwright.contracts.sink",
        "batchwright.sinkkit.local_path",
        "batchwright.testing",
    }
)
"""The modules that plugins may import from; of `batchwright.testing` also its modules."""


def private_imports(sources: Iterable[Path]) -> list[str]:
    """Return what Python files import from batchwright without being offered it, each with its file.

    Args:
        sources: Files, and folders of them.
    """
    files = [file for path in sources for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    return [f"{file.name}: {name}" for file in files for name in _private(ast.parse(file.read_text("utf-8")))]


def _private(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (name for name in names if _is_ours(name) and not _offers(name))
        elif isinstance(node, ast.ImportFrom) and not node.level and _is_ours(node.module or ""):
            module = str(node.module)
            if not _offers(module):
                yield module
                continue
            public = getattr(importlib.import_module(module), "__all__", None)
            for name in (alias.name for alias in node.names):
                hidden = public is not None and name not in public and not _offers(f"{module}.{name}")
                if hidden or name.startswith("_"):
                    yield f"{module}.{name}"


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "batchwright"


def _offers(module: str) -> bool:
    return module in PUBLIC or module.startswith("batchwright.testing.")
