"""Which names of batchwright a plugin uses that aren't offered to plugins."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

PUBLIC = (
    "batchwright",
    "batchwright.batching",
    "batchwright.errors",
    "batchwright.items",
    "batchwright.model",
    "batchwright.plurals",
    "batchwright.secrets",
    "batchwright.visible",
)
"""Modules that plugins may import from."""

PUBLIC_PACKAGES = ("batchwright.contracts", "batchwright.documents", "batchwright.sinkkit")
"""Packages of which plugins may import every module."""

PUBLIC_NAMES = ("batchwright.config.BatchConfig",)
"""Names that plugins may import from modules that are not public otherwise."""

TESTING = "batchwright.testing"
"""The package that tests of plugins may import besides."""


def private_imports(sources: Iterable[Path], besides: str = TESTING) -> list[str]:
    """Return what Python files import from batchwright without being offered it, each with its file.

    Args:
        sources: Files, and folders of them.
        besides: One more package that they may import; empty for none.
    """
    packages = (*PUBLIC_PACKAGES, besides) if besides else PUBLIC_PACKAGES
    files = [file for path in sources for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    return [
        f"{file.name}: {name}"
        for file in files
        for name in _private(_parsed(file.read_text("utf-8")), packages)
    ]


def _parsed(text: str) -> ast.AST:
    try:
        return ast.parse(text)
    except SystemError:  # Python 3.11 and 3.12 count depth for all threads at once, and may find it wrong
        return ast.parse(text)


def _private(tree: ast.AST, packages: Sequence[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (name for name in names if _is_ours(name) and not _offers(name, packages))
        elif isinstance(node, ast.ImportFrom) and not node.level and _is_ours(node.module or ""):
            module = str(node.module)
            if not _offers(module, packages):
                if any(f"{module}.{alias.name}" not in PUBLIC_NAMES for alias in node.names):
                    yield module
                continue
            public = getattr(importlib.import_module(module), "__all__", None)
            for name in (alias.name for alias in node.names):
                hidden = (
                    public is not None and name not in public and not _offers(f"{module}.{name}", packages)
                )
                if hidden or name.startswith("_"):
                    yield f"{module}.{name}"


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "batchwright"


def _offers(module: str, packages: Sequence[str]) -> bool:
    return module in PUBLIC or any(f"{module}.".startswith(f"{package}.") for package in packages)
