"""What of an input is wanted, by its keys; the rest is left out, and counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, fields
from functools import cached_property, partial
from typing import Any

from batchwright.documents.compression import COMPRESSIONS, bare
from batchwright.documents.globs import Matcher, compile_globs
from batchwright.documents.left_out import EXCLUDED_FILE, HIDDEN_FILE, LeftOutCounts
from batchwright.values import dataclass

ENDINGS = (".md", ".markdown", ".mdx")
"""Endings of Markdown files, in any case."""

PATTERNS = tuple(f"*{ending}" for ending in ENDINGS)

DEFAULT_EXCLUDES = ("node_modules", "__pycache__", "venv", "site-packages", "bower_components")
"""Names of folders that hold other people's files, or none that anybody wrote."""


@dataclass(frozen=True)
class Selection:
    """Which keys are wanted.

    Attributes:
        patterns: Globs, see `compile_globs`; ``**/*.md`` and ``*.md`` both match at any depth. Their endings
            match in any case.
        exclude: Globs of what to leave out; a folder that matches isn't entered.
        hidden: Whether to include names that begin with a dot.
        follow_symlinks: Whether to follow links to folders, and links that lead out of the input.
        default_excludes: Whether to leave out folders with one of the names in `DEFAULT_EXCLUDES`.
        readable: Endings that there is a reader for, in lower case.
        left_out: Counts what is left out.

    Raises:
        ConfigError: A pattern is empty; when they are first used.
    """

    patterns: Iterable[str] = PATTERNS
    exclude: Iterable[str] = ()
    hidden: bool = False
    follow_symlinks: bool = False
    default_excludes: bool = True
    readable: tuple[str, ...] = ENDINGS
    left_out: LeftOutCounts = field(default_factory=LeftOutCounts)

    @cached_property
    def wanted(self) -> Matcher:
        """Tells whether a pattern matches a key, or what it is called without the ending of a compression."""
        return partial(_matches, compile_globs(self.patterns, endings_in_any_case=True))

    @cached_property
    def excluded(self) -> Matcher:
        """Tells whether a key is excluded; that of a folder ends in a slash."""
        return compile_globs(self.exclude)

    @cached_property
    def excluded_folders(self) -> frozenset[str]:
        """Names of folders that are left out wherever they are, with a slash at the end."""
        return frozenset(f"{name}/" for name in DEFAULT_EXCLUDES if self.default_excludes)

    def takes(self, key: str) -> bool:
        """Tell whether a key is wanted; one that isn't is counted, with the reason."""
        *folders, name = key.split("/")
        if not self.hidden and any(part.startswith(".") for part in (*folders, name)):
            self.left_out.add(HIDDEN_FILE, key)
        elif self._is_excluded(folders, key):
            self.left_out.add(EXCLUDED_FILE, key)
        elif not self.wanted(key):
            self.left_out.add_file(key, self.readable)
        else:
            return True
        return False

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: matchers are made anew."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _is_excluded(self, folders: list[str], key: str) -> bool:
        if any(f"{folder}/" in self.excluded_folders for folder in folders) or self.excluded(key):
            return True
        return any(self.excluded("/".join(folders[: n + 1]) + "/") for n in range(len(folders)))


def _matches(matches: Matcher, key: str) -> object:
    return matches(key) or (key.lower().endswith(COMPRESSIONS) and matches(bare(key)))
