"""Front matter in YAML; apart from `front_matter`, since PyYAML takes 10 ms to import.

PyYAML composes the nodes; what their values are is decided here, by `plain_value`. So a value that can't
be read costs its field alone. Where the whole isn't YAML, each field is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

import yaml

from batchwright.documents.fields import MAX_DEPTH, Fields
from batchwright.documents.plain import plain_value

_OPENERS = re.compile(r"[\[{\n?-]")
_KEY = re.compile(
    r"""(?: "(?:[^"\\\n]|\\.)*+"[ \t]*+: | '[^'\n]*+'[ \t]*+:
          | (?: [^\s?:,\[\]{}\#&*!|>'"%@`-] | [?:-](?=\S) ) [^\n:]*+ (?: :(?!\s|\Z) [^\n:]*+ )*+ :
        ) (?=\s|\Z)""",
    re.VERBOSE,
)
_NOTHING_BEHIND_KEY = re.compile(r"[ \t]*+(?:[&!]\S*+[ \t]*+)*+(?:\#.*+)?\r?\n?\Z")
_TAG = "tag:yaml.org,2002:"
_PLAIN = "plain"
_TAGGED_TEXT = {_TAG + name for name in ("str", "timestamp", "binary")}
_TAGGED: Mapping[str, Callable[[str], Any]] = {
    _TAG + "null": lambda text: {"": None, "~": None, "null": None}[text.lower()],
    _TAG + "bool": lambda text: {"true": True, "false": False}[text.lower()],
    _TAG + "int": int,
    _TAG + "float": lambda text: plain_value(str(float(text))),
}
_COLLECTIONS = {_TAG + name for name in ("map", "seq", "set", "omap", "pairs")}
_BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc, valid-type]  # chosen when the module is loaded
    """Composes nodes; a scalar without a tag gets one that says whether it is quoted."""

    def resolve(self, kind: Any, _value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TAG + "str"
        return _TAG + ("seq" if kind is yaml.SequenceNode else "map")


def read_yaml(text: str) -> Fields | None:
    """Return the fields; None where `text` has none, but is something else that stands between two rules."""
    fields = Fields()
    try:
        node = _compose(text)
    except ValueError:
        return _read_one_by_one(text)
    if node is None:
        return None if text.strip() else fields
    if not isinstance(node, yaml.MappingNode):
        return None
    _add(node, fields, 0)
    return fields


def _compose(text: str) -> Any:
    """Return the root of the nodes.

    Raises:
        ValueError: It isn't YAML, or nested too deeply.
    """
    # Composing deep nesting by the C loader overflows the C stack (a segmentation fault): it is looked
    # for in the flat stream of events first, where it could be.
    try:
        if len(_OPENERS.findall(text)) > MAX_DEPTH:
            depth = 0
            for event in yaml.parse(text, Loader=_Loader):
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                    if depth > MAX_DEPTH:
                        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
                elif isinstance(event, yaml.CollectionEndEvent):
                    depth -= 1
        return yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else ""
        raise ValueError(problem or str(error)) from None


def _add(node: yaml.MappingNode, fields: Fields, line: int) -> None:
    """Add the fields of a mapping that begins in a line."""
    values = _Values(fields, line)
    for key, value in node.value:
        at = line + key.start_mark.line
        name = key.value if isinstance(key, yaml.ScalarNode) else "a key"
        try:
            name = _name(key)
            if name in fields.values:
                fields.refuse(name, at, "given twice; the last one stays")
            fields.values[name] = values.read(value, name, MAX_DEPTH - 1)
        except (ValueError, KeyError, OverflowError) as error:
            reason = error if isinstance(error, ValueError) else f"{value.value!r} is no {_tag(value)}"
            fields.refuse(str(name), at, reason)


class _Values:
    """Makes JSON values of the nodes below one root, each once: a second time it is an alias."""

    def __init__(self, fields: Fields, line: int) -> None:
        self._fields = fields
        self._line = line
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, name: str, depth: int) -> Any:
        if id(node) in self._seen:
            raise ValueError("aliases (*name) are not supported in front matter")
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if node.tag not in _COLLECTIONS:
            raise ValueError(f"the tag {_tag(node)} is not supported in front matter")
        if depth <= 0:
            raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, name, depth - 1) for item in node.value]
        values: dict[str, Any] = {}
        for key, value in node.value:
            below = _name(key)
            if below in values:
                line = self._line + key.start_mark.line
                self._fields.refuse(f"{name}.{below}", line, "given twice; the last one stays")
            values[below] = self.read(value, f"{name}.{below}", depth - 1)
        return list(values) if node.tag == _TAG + "set" else values


def _name(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise ValueError("a list or mapping can't be a name")
    return str(key.value)


def _scalar(node: yaml.ScalarNode) -> Any:
    tag, text = node.tag, node.value
    if tag == _PLAIN:
        return plain_value(text)
    if tag in _TAGGED_TEXT:
        return text
    if tag not in _TAGGED:
        raise ValueError(f"the tag {_tag(node)} is not supported in front matter")
    return _TAGGED[tag](text)


def _tag(node: yaml.Node) -> str:
    return str(node.tag).replace(_TAG, "!!")


def _read_one_by_one(text: str) -> Fields | None:
    """Return the fields of what isn't YAML as a whole; None where a line can belong to no field."""
    entries = _entries(text)
    if not entries:
        return None
    fields = Fields()
    for line, lines in entries:
        found = _KEY.match(lines[0])
        name = found[0].rstrip(": \t").strip("\"'") if found else ""
        try:
            node = _compose("".join(lines))
        except ValueError as error:
            fields.refuse(name, line, error)
            continue
        if isinstance(node, yaml.MappingNode):
            _add(node, fields, line)
        else:
            fields.refuse(name, line, "it is no field")
    return fields


def _entries(text: str) -> list[tuple[int, list[str]]] | None:
    """Return each field's lines, with the number of the first; None where a line can belong to no field."""
    entries: list[tuple[int, list[str]]] = []
    takes_items = takes_lines = False
    for number, line in enumerate(StringIO(text)):
        if line[0] in " \t\r\n#":
            takes_lines = takes_lines and not line.isspace()
            if entries:
                entries[-1][1].append(line)
            elif not line.isspace() and line[0] != "#":
                return None
        elif found := _KEY.match(line):
            entries.append((number, [line]))
            takes_items = _NOTHING_BEHIND_KEY.match(line, found.end()) is not None
            takes_lines = line[found.end() :].lstrip().startswith(("[", "{"))
        elif takes_lines or (takes_items and line[0] == "-" and line[1:2] in (" ", "\t", "\n", "\r", "")):
            entries[-1][1].append(line)
        else:
            return None
    return entries
