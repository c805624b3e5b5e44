"""Front matter in YAML; apart from `front_matter`, since PyYAML takes 10 ms to import."""

from __future__ import annotations

import re
from typing import Any

import yaml

_OPENERS = re.compile(r"[\[{\n?-]")
_BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc, valid-type]  # chosen when the module is loaded
    """A safe loader that takes an impossible date for text instead of giving up on all fields."""


def _timestamp(loader: Any, node: Any) -> Any:
    try:
        return yaml.SafeLoader.construct_yaml_timestamp(loader, node)
    except (ValueError, OverflowError):
        return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)


def load_yaml(fields: str, max_depth: int) -> Any:
    """Return what `fields` say.

    Raises:
        ValueError: They are invalid, nested too deeply, or use aliases.
        OverflowError, RecursionError, TypeError, AttributeError: As well, for some malformed values,
            for which PyYAML's constructors let them escape.
    """
    try:
        return _load(fields, max_depth)
    except yaml.YAMLError as error:
        raise ValueError(_reason(error)) from None


def _load(fields: str, max_depth: int) -> Any:
    # Loading deep nesting by the C loader overflows the C stack (a segmentation fault), and aliases
    # multiply: both are looked for in the flat stream of events first, where they could be.
    if "*" in fields or len(_OPENERS.findall(fields)) > max_depth:
        depth = 0
        for event in yaml.parse(fields, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("aliases (*name) are not supported in front matter")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > max_depth:
                    raise ValueError(f"nested more than {max_depth} levels deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    return yaml.load(fields, Loader=_Loader)  # noqa: S506 - _Loader is a safe loader


def _reason(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem:
        mark = error.problem_mark
        return error.problem if mark is None else f"{error.problem} (line {mark.line + 1})"
    return str(error)
