"""The YAML or TOML at the start of a Markdown file, made safe to store as JSON."""

from __future__ import annotations

import base64
import math
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, NamedTuple

MAX_CHARACTERS = 64 * 1024
MAX_DEPTH = 32

_YAML = re.compile(r"---[ \t]*+\r?\n(?P<fields>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*+\r?(?:\n|\Z)")
_TOML = re.compile(r"\+\+\+[ \t]*+\r?\n(?P<fields>(?:.*\n)*?)\+\+\+[ \t]*+\r?(?:\n|\Z)")
_LOOKS_LIKE_FIELDS = re.compile(r"(?:[ \t]*+(?:#.*)?\r?\n)*+[\w\"'?][^:\n]*:(?:\s|\Z)")


class FrontMatter(NamedTuple):
    """Front matter, and where it ends.

    Attributes:
        raw: The text with its fences, empty where there is none.
        fields: What it says, as JSON values; with the key ``front_matter_error`` where it is invalid.
        date: The field ``date`` as a date, or None.
    """

    raw: str
    fields: dict[str, Any]
    date: date | None


def split_front_matter(text: str) -> FrontMatter:
    """Return the front matter that `text` begins with; empty where it begins with anything else.

    YAML stands between ``---`` and ``---`` or ``...``, TOML between ``+++`` and ``+++``, in the first
    64 Ki characters. A ``---`` without a closing line, or around something that holds no fields, is a
    thematic break and stays in the body. Fields that don't parse are left out and the reason is noted.
    """
    if text.startswith("---"):
        found = _YAML.match(text, 0, MAX_CHARACTERS)
    elif text.startswith("+++"):
        found = _TOML.match(text, 0, MAX_CHARACTERS)
    else:
        return _NONE
    if found is None or (found.end() == MAX_CHARACTERS < len(text) and text[found.end() - 1] != "\n"):
        return _NONE
    fields = found["fields"]
    try:
        loaded = _load(text[0], fields)
        if loaded is None:
            loaded = {}
        if not isinstance(loaded, dict):
            return _NONE
        return FrontMatter(found[0], _json_object(loaded, MAX_DEPTH), _date(loaded.get("date")))
    except (ValueError, OverflowError, RecursionError, TypeError, AttributeError) as error:
        if text[0] == "-" and not _LOOKS_LIKE_FIELDS.match(fields):
            return _NONE
        return FrontMatter(found[0], {"front_matter_error": _short(error)}, None)


_NONE = FrontMatter("", {}, None)


def _load(fence: str, fields: str) -> Any:
    if fence == "+":
        return tomllib.loads(fields.replace("\r\n", "\n"))
    # Imported when first needed: a run that finds nothing new parses nothing.
    from batchwright.documents.yaml_fields import load_yaml

    return load_yaml(fields, MAX_DEPTH)


def _json_object(fields: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    return {_json_key(key): _json(value, depth - 1) for key, value in fields.items()}


def _json_key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(_json(key, MAX_DEPTH))


def _json(value: Any, depth: int) -> Any:
    if depth < 0:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Python itself refuses to write very long integers in decimal.
        return value if value.bit_length() <= 1024 else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return _json_object(value, depth)
    if isinstance(value, list | tuple):
        return [_json(item, depth - 1) for item in value]
    if isinstance(value, set):
        return sorted((_json(item, depth - 1) for item in value), key=str)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)


def _date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        for parse in (date.fromisoformat, lambda text: datetime.fromisoformat(text).date()):
            try:
                return parse(value.strip())
            except ValueError:
                continue
    return None


def _short(error: Exception) -> str:
    return (str(error).partition("\n")[0] or type(error).__name__)[:200]
