"""What is wrong with settings, one error a line, without any of their values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from batchwright.secrets import mask


def explain(error: ValidationError, where: str, fields: Iterable[str]) -> str:
    """Say what is wrong with a section of the settings, one error a line, without any of its values.

    Args:
        error: What validating the section raised.
        where: The section, such as ``sink.postgres``.
        fields: The names that the section knows, to suggest the nearest to a misspelt one.
    """
    lines = [
        f"{'.'.join(part for part in (where, *path) if part)}: {message}"
        for path, message in complaints_of(error, fields)
    ]
    return "\n".join(lines)


def complaints_of(error: ValidationError, fields: Iterable[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong, each with the path of the setting."""
    known = list(fields)
    for details in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in details["loc"] if part != "[key]")
        message = details["msg"]
        match details["type"]:
            case "extra_forbidden":
                message = "no such setting" + (_nearest(path[0], known) if len(path) == 1 else "")
            case "missing":
                message = "is missing"
            case "value_error" | "assertion_error":
                message = str(details.get("ctx", {}).get("error", message))
            case _:
                message = message.replace("Input should", "should").replace(
                    ", unable to parse string as an integer", ""
                )
        yield path, mask(message)


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the question whether the known name most like `name` is meant, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""
