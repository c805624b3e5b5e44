"""The reference of hooks, made from the hookspecs: `make reference` writes it, a test compares it.

Everything below the mark in docs/reference/hooks.md comes from signatures and docstrings: of the hooks, and
of whatever type of batchwright's own a plugin is handed, returns or subclasses. A new hook needs nothing
here.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, ForwardRef, TypeVar, get_args, get_origin

import batchwright
from batchwright.config import BatchConfig
from batchwright.contracts import hookspecs
from batchwright.contracts.events import Event

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "hooks.md"
MARK = "<!-- From here on made by `make reference`: change docstrings, not this. -->"

_ELSEWHERE = {Event: "events.md", BatchConfig: "settings.md"}  # have pages of their own
_BESIDE: dict[type, tuple[type, ...]] = {
    batchwright.ItemReader: (batchwright.Reader, batchwright.RowReader),
    batchwright.Store: (batchwright.Searchable, batchwright.Inspectable),
    batchwright.Embedder: (batchwright.CountedVectors,),
}
"""What a plugin subclasses, inherits or returns besides, though no annotation leads to it."""
_SKIPPED = {"__init__", "__enter__", "__exit__", "__repr__"}


@dataclass(frozen=True)
class Doc:
    """A docstring in Google's style: what it says, and what its sections say of each name."""

    text: str
    named: dict[str, str]


def parsed(docstring: str | None) -> Doc:
    """Split a docstring into its prose and the entries of Attributes, Args and Raises."""
    head, *sections = re.split(
        r"^(?:Attributes|Args|Raises|Returns|Yields):\n", inspect.cleandoc(docstring or ""), flags=re.M
    )
    named: dict[str, str] = {}
    for section in sections:
        for entry in re.split(r"^ {4}(?=\S)", section, flags=re.M)[1:]:
            name, _, text = entry.partition(":")
            named[name.strip()] = " ".join(text.split())
    return Doc(head.strip(), named)


def hooks(module: ModuleType = hookspecs) -> dict[str, Callable[..., Any]]:
    """Return every hook by its name, in the order of the module."""
    return {name: found for name, found in vars(module).items() if hasattr(found, "batchwright_spec")}


def reference(module: ModuleType = hookspecs) -> str:
    """Return the generated part of the page."""
    types: dict[type, None] = {}
    parts = [_hook(name, hook, types) for name, hook in hooks(module).items()]
    parts.append(
        "## Types\n\nWhat hooks take and return, and what these are made of. All are in `batchwright`, "
        "except `Selection` and `LeftOutCounts`, which are in `batchwright.documents`.\n"
    )
    done: set[type] = set()
    while waiting := [kind for kind in types if kind not in done]:
        for kind in (waiting[0], *_BESIDE.get(waiting[0], ())):
            types.setdefault(kind)
            done.add(kind)
            parts.append(_type(kind, types))
    return "\n".join(parts)


def write() -> None:
    """Put the generated part into the page."""
    written, _, _ = PAGE.read_text("utf-8").partition(MARK)
    PAGE.write_text(f"{written}{MARK}\n\n{reference()}", "utf-8")


# --- hooks --------------------------------------------------------------------------------------------


def _hook(name: str, hook: Callable[..., Any], types: dict[type, None]) -> str:
    first = hook.batchwright_spec["firstresult"]  # type: ignore[attr-defined]
    hints = _hints(hook)
    arguments = list(inspect.signature(hook).parameters)
    doc = parsed(hook.__doc__)
    lines = [f"## `{name}({', '.join(arguments)})`\n", doc.text + "\n"]
    if first:
        lines += [
            "- **Who is asked:** one plugin after the other, until one answers (`firstresult`).",
            "- **`None`:** no opinion; the next one is asked, the built-in last.",
        ]
    elif not name.startswith("register_"):
        lines += [
            "- **Who is asked:** every plugin, one after the other, each with the answer of the one before.",
            "- **`None`:** no change.",
        ]
    else:
        lines += [
            "- **Who is asked:** every plugin, once, when it is loaded; the answers are put together.",
            "- **`None`:** no answer, and breaks the plugin; return an empty list to offer nothing.",
        ]
    lines.append(f"- **Returns:** {_shown(hints.pop('return', None), types)}\n")
    if arguments:
        lines += ["| argument | type | |", "|---|---|---|"]
        for argument in arguments:
            said = doc.named.get(argument) or _first(parsed(getattr(hints.get(argument), "__doc__", "")).text)
            lines.append(f"| `{argument}` | {_shown(hints.get(argument), types)} | {said} |")
        lines.append("")
    return "\n".join(lines)


# --- types --------------------------------------------------------------------------------------------


def _type(kind: type, types: dict[type, None]) -> str:
    doc = _with_inherited(kind)
    lines = [f"### `{kind.__name__}`\n"]
    if issubclass(kind, enum.Enum):
        said = dict(re.findall(r"^([A-Z_]+): (.*)$", doc.text, re.M))
        lines += [doc.text.partition("\n")[0] + "\n", "| member | means |", "|---|---|"]
        lines += [f"| `{member.name}` | {said.get(member.name, '')} |" for member in kind]
        return "\n".join([*lines, ""])
    lines.append(doc.text + "\n")
    table = [f"| `{name}` | {shown} | {text} |" for name, shown, text in _fields(kind, doc, types)]
    if table:
        lines += ["| attribute | type | |", "|---|---|---|", *table, ""]
    methods = list(_methods(kind, types))
    if methods:
        lines += ["| method | | |", "|---|---|---|", *methods, ""]
    return "\n".join(lines)


def _with_inherited(kind: type) -> Doc:
    """Return the docstring with the attributes that those of our base classes name."""
    own = parsed(kind.__doc__)
    inherited: dict[str, str] = {}
    for base in reversed(kind.__mro__[1:]):
        if _ours(base):
            inherited |= parsed(base.__doc__).named
    return Doc(own.text, {**inherited, **own.named})


def _fields(kind: type, doc: Doc, types: dict[type, None]) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and description of what an instance has: fields, class variables, properties."""
    hints = _hints(kind)
    known: dict[str, Field[Any]] = {f.name: f for f in fields(kind)} if is_dataclass(kind) else {}
    names = list(known) or [name for name in doc.named if name in hints]
    names += [name for name in getattr(kind, "model_fields", {}) if name not in names]
    for name in names:
        text = doc.named.get(name) or _said_below(kind, name)
        yield name, _shown(hints[name], types), text + _default(known.get(name) or _of_tuple(kind, name))
    for name, member in vars(kind).items():
        getter = member.fget if isinstance(member, property) else getattr(member, "func", None)
        if isinstance(member, property | cached_property) and getter and not name.startswith("_"):
            yield name, _shown(_hints(getter).get("return"), types), _first(parsed(getter.__doc__).text)


def _of_tuple(kind: type, name: str) -> Field[Any] | None:
    """Return the field of a NamedTuple that has a default."""
    defaults = getattr(kind, "_field_defaults", {})
    return field(default=defaults[name]) if name in defaults else None


def _default(field: Field[Any] | None) -> str:
    if field is None or (field.default is MISSING and field.default_factory is MISSING):
        return ""
    if field.default is MISSING or field.default in ((), "", frozenset()):
        return " Empty by default."
    value = field.default
    return f" Default: `{f'{value:,}' if type(value) is int else value}`."


def _said_below(kind: type, name: str) -> str:
    """Return the string below an attribute, where no section Attributes names it."""
    found = re.search(rf'^    {name}: [^\n]*\n    """(.*?)"""', inspect.getsource(kind), flags=re.M | re.S)
    return " ".join(found[1].split()) if found else ""


def _methods(kind: type, types: dict[type, None]) -> Iterator[str]:
    for name, member in vars(kind).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if not isinstance(function, FunctionType) or name in _SKIPPED or name.startswith("_"):
            continue
        if is_dataclass(kind) and isinstance(member, classmethod):
            continue  # how the engine makes one is no business of plugins
        hints = _hints(function)
        for hint in hints.values():
            _shown(hint, types)  # what it takes and returns is shown, too
        parameters = [p for p in inspect.signature(function).parameters if p != "self"]
        doc = parsed(function.__doc__)
        text = " ".join(doc.text.split())
        text += "".join(f" `{name}`: {doc.named[name]}" for name in parameters if name in doc.named)
        raised = "".join(
            f" Raises `{name}`: {why[:1].lower()}{why[1:]}"
            for name, why in doc.named.items()
            if name[:1].isupper()
        )
        must = "abstract" if getattr(function, "__isabstractmethod__", False) else "has a default"
        returns = _shown(hints.get("return"), types)
        arrow = "" if returns == "`None`" else f" → {returns}"
        yield f"| `{name}({', '.join(parameters)})`{arrow} | {must} | {text}{raised} |"


# --- words --------------------------------------------------------------------------------------------


def _hints(of: Any) -> dict[str, Any]:
    """Return annotations with their names resolved; those that can't be stay texts."""
    found: dict[str, Any] = {}
    for base in reversed(of.__mro__) if isinstance(of, type) else (of,):
        names = {**vars(batchwright), **vars(sys.modules[base.__module__])}
        for name, hint in getattr(base, "__annotations__", {}).items():
            if isinstance(hint, ForwardRef):  # as a NamedTuple keeps it
                hint = hint.__forward_arg__
            try:
                found[name] = eval(hint, names) if isinstance(hint, str) else hint
            except NameError:
                found[name] = hint
    return found


def _shown(hint: Any, types: dict[type, None]) -> str:
    """Return a type as the page shows it, and remember those of ours for a section of their own."""
    return _linked(_plain(hint, types), types)


def _plain(hint: Any, types: dict[type, None]) -> str:
    if isinstance(hint, str):
        return hint
    if hint is None or hint is type(None):
        return "None"
    if isinstance(hint, TypeVar):
        return "Any" if hint.__bound__ is None else _plain(hint.__bound__, types)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is not None and _ours(origin):
        types.setdefault(origin)
        return str(origin.__name__)
    if origin is not None and getattr(origin, "__name__", "") == "ClassVar":
        return _plain(arguments[0], types)
    if origin is not None:
        inner = [_plain(a, types) if not isinstance(a, list) else "…" for a in arguments]
        if origin.__name__ in ("UnionType", "Union"):
            return " | ".join(inner)
        inner = ["…" if argument is ... else text for argument, text in zip(arguments, inner, strict=True)]
        return f"{origin.__name__}[{', '.join(inner)}]"
    if isinstance(hint, type):
        if _ours(hint) and hint not in _ELSEWHERE:
            types.setdefault(hint)
        elif any(hint is not kind and hint.__name__ == kind.__name__ for kind in _ELSEWHERE):
            return f"{hint.__module__}.{hint.__name__}"  # threading.Event is none of our events
        return hint.__name__
    return str(getattr(hint, "__name__", hint))


def _linked(shown: str, types: dict[type, None]) -> str:
    """Return a type in code, and behind it a link to each of ours that is in it."""
    for kind, page in _ELSEWHERE.items():
        if kind.__name__ == shown:
            return f"[`{shown}`]({page})"
    ours = [kind.__name__ for kind in types if re.search(rf"\b{kind.__name__}\b", shown)]
    text = f"`{shown}`".replace("|", "\\|")
    if ours == [shown]:
        return f"[`{shown}`](#{shown.lower()})"
    return text + "".join(f" [↓](#{name.lower()})" for name in ours)


def _ours(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and kind.__module__.split(".")[0] == "batchwright"
        and not issubclass(kind, BaseException)
    )


def _first(text: str) -> str:
    """Return the first paragraph, on one line."""
    return " ".join(text.split("\n\n")[0].split())


if __name__ == "__main__":
    write()
