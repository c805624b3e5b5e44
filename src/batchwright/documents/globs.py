"""Glob patterns over posix paths, compiled once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from batchwright.errors import ConfigError

Matcher = Callable[[str], object]

_PART = re.compile(r"(\*\*+/)|(/\*\*+\Z)|(\*+)|(\?)|\[([!^]?)(\]?[^\]/]*)\]|(.)", re.DOTALL)
_ENDING = re.compile(r"\.([A-Za-z0-9]+)\Z")


def compile_globs(patterns: Iterable[str], *, endings_in_any_case: bool = False) -> Matcher:
    """Return a function that says whether a relative posix path matches one of `patterns`.

    As in gitignore: a pattern without ``/`` matches the last name at any depth, one with ``/`` the
    whole path from the input directory; ``**`` spans folders, ``*``, ``?`` and ``[...]`` do not. The
    case matters. A pattern that ends in ``/`` matches folders, whose paths are passed with a ``/``.

    Args:
        patterns: The patterns.
        endings_in_any_case: Whether ``*.md`` also matches ``README.MD``.

    Raises:
        ConfigError: A pattern is empty.
    """
    alternatives = [_translate(pattern, endings_in_any_case) for pattern in patterns]
    if not alternatives:
        return re.compile(r"(?!)").fullmatch
    return re.compile("|".join(alternatives), re.DOTALL).fullmatch


def _translate(pattern: str, ending_in_any_case: bool) -> str:
    anchored = pattern.removeprefix("./")
    body = anchored.strip("/")
    if not body:
        raise ConfigError(f"the pattern {pattern!r} is empty; write for example '**/*.md'")
    ending = _ENDING.search(body) if ending_in_any_case else None
    if ending:
        body = body[: ending.start()]
    parts = ["" if "/" in anchored.removesuffix("/") else "(?:.*/)?"]
    for found in _PART.finditer(body):
        folders, below, star, one, negated, names, literal = found.groups()
        if folders:
            parts.append("(?:.*/)?")
        elif below:
            parts.append("/.*")
        elif star:
            parts.append(".*" if len(star) > 1 else "[^/]*")
        elif one:
            parts.append("[^/]")
        elif names:
            # A class never matches "/": the lookahead says so for negated ones and for ranges.
            inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", names)
            parts.append(f"(?!/)[{'^' if negated else ''}{inner}]")
        else:
            parts.append(re.escape(literal if literal is not None else found[0]))
    if ending:
        parts.append(rf"\.(?i:{ending[1]})")
    # A folder's path ends in "/", which only a pattern with that ending insists on.
    parts.append("/" if anchored.endswith("/") else "/?")
    return "".join(parts)
