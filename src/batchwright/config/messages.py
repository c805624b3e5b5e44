"""What is wrong with settings, one error a line, without any of their values."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from batchwright.errors import Complaint
from batchwright.secrets import mask


def in_lines(complaints: Iterable[Complaint], where: str = "") -> str:
    """Return complaints one a line, each with its setting.

    Args:
        complaints: What is wrong.
        where: The section that the settings are in, such as ``sink.postgres``.
    """
    lines = []
    for path, message in complaints:
        setting = ".".join(part for part in (where, *path) if part)
        lines.append(f"{setting}: {message}" if setting else message)
    return "\n".join(lines)


def complaints_of(error: ValidationError, known: Sequence[str], passwords: Iterable[str]) -> list[Complaint]:
    """Return what is wrong with the settings of a model.

    Args:
        error: What validating them raised.
        known: The names that the model knows, to suggest the nearest to a misspelt one.
        passwords: Masked in what validators say.
    """
    secrets = tuple(passwords)
    complaints: list[Complaint] = []
    for details in error.errors(include_url=False):
        path = tuple(str(part) for part in details["loc"] if part != "[key]")
        message = details["msg"]
        match details["type"]:
            case "extra_forbidden":
                message = misspelt(path[0] if len(path) == 1 else "", known)
            case "missing":
                message = "is missing"
            case "value_error" | "assertion_error":
                message = str(details.get("ctx", {}).get("error", message))
            case "tuple_type" | "list_type":
                message = _as_list(path[-1] if path else "", details.get("input"))
            case _:
                message = message.replace("Input should", "should").partition(", unable to parse")[0]
        complaints.append((path, mask(message, secrets)))
    return complaints


def _as_list(setting: str, value: object) -> str:
    """Return how the list is written where somebody gave its single text, else that a list is wanted."""
    if not isinstance(value, str) or "://" in value or not setting:
        return "should be a list"
    return f"write a list: {setting} = [{json.dumps(value, ensure_ascii=False)}]"


def misspelt(name: str, known: Iterable[str]) -> str:
    """Return that there is no such setting, and which of the known names may be meant."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"no such setting; did you mean {found[0]}?" if found else "no such setting"
