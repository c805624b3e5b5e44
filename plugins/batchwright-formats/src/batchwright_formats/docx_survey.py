"""What a DOCX file holds beside its text: styles of headings, properties, what the converter leaves out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from batchwright import Omission
from batchwright.documents.left_out import COMMENT, DELETED, FORMULA, MARGIN, MEDIA
from batchwright_formats.package import Package
from batchwright_formats.shown import shown

_MARGINS = re.compile(r"word/(?:header|footer)[0-9]*\.xml")
_COUNTED = {
    "del": DELETED,
    "moveFrom": DELETED,
    "oMath": FORMULA,
    "comment": COMMENT,
    "chart": MEDIA,
    "relIds": MEDIA,  # a diagram
    "OLEObject": MEDIA,
    "altChunk": MEDIA,
}
_SPOKEN = {"t", "delText"}

# Elements of docProps/core.xml, and the fields that they become.
_PROPERTIES = {
    "title": "title",
    "subject": "subject",
    "creator": "author",
    "description": "description",
    "language": "language",
    "category": "category",
    "keywords": "keywords",
    "created": "created",
    "modified": "modified",
}
_SEPARATORS = re.compile(r"\s*[,;]\s*")


@dataclass(slots=True)
class Survey:
    """What a look through a DOCX file found.

    Attributes:
        fields: Its properties.
        levels: The level of a heading, from 1, by the id of its paragraphs' style.
        left_out: What its document won't hold, except images.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)
    left_out: list[Omission] = field(default_factory=list)


def survey(package: Package) -> Survey:
    """Look through all parts that the converter will read, and those that it won't.

    Raises:
        ValueError: A part is broken, or made to do harm.
    """
    found = Survey()
    for name in package.names:
        if name.endswith("styles.xml"):
            found.levels.update(_heading_levels(package, name))
        elif name == "docProps/core.xml":
            found.fields = _properties(package, name)
        elif _MARGINS.fullmatch(name):
            if text := _text(package, name):
                found.left_out.append(Omission(MARGIN, shown(text)))
        else:
            found.left_out += _omissions(package, name)
    return found


def _heading_levels(package: Package, name: str) -> dict[str, int]:
    """Return the levels of headings by style: what a style is called depends on Word's language."""
    levels: dict[str, int] = {}
    bases: dict[str, str] = {}
    style = ""

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal style
        value = attributes.get("val", "")
        if element == "style":
            style = attributes.get("styleId", "") if attributes.get("type") == "paragraph" else ""
        elif not style:
            return
        elif element == "basedOn":
            bases[style] = value
        elif element == "outlineLvl" and value.isascii() and value.isdigit() and len(value) == 1:
            levels[style] = int(value) + 1  # 10 is text of the body

    package.scan(name, start)
    found: dict[str, int] = {}
    for one in {*levels, *bases}:
        at, steps = one, 0
        while at not in levels and at in bases and steps < 20:  # a style may be based on itself
            at, steps = bases[at], steps + 1
        if (level := levels.get(at, 10)) < 10:
            found[one] = min(level, 6)
    return found


def _properties(package: Package, name: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    path: list[str] = []

    def start(element: str, _: dict[str, str]) -> None:
        path.append(element)

    def end(_: str) -> None:
        path.pop()

    def characters(text: str) -> None:
        if len(path) == 2 and (known := _PROPERTIES.get(path[1])):
            fields[known] = fields.get(known, "") + text

    package.scan(name, start, end, characters)
    fields = {known: value.strip() for known, value in fields.items() if value.strip()}
    if keywords := fields.get("keywords"):
        fields["keywords"] = [word for word in _SEPARATORS.split(keywords) if word]
    return fields


def _text(package: Package, name: str) -> str:
    parts: list[str] = []
    spoken = False

    def start(element: str, _: dict[str, str]) -> None:
        nonlocal spoken
        spoken = element in _SPOKEN

    def end(_: str) -> None:
        nonlocal spoken
        spoken = False

    def characters(text: str) -> None:
        if spoken:
            parts.append(text)

    package.scan(name, start, end, characters)
    return " ".join("".join(parts).split())


def _omissions(package: Package, name: str) -> list[Omission]:
    """Return what is counted of a part; what it says is its text."""
    found: list[Omission] = []
    outermost, text = "", ""
    inside = alternatives = 0

    def start(element: str, _: dict[str, str]) -> None:
        nonlocal outermost, text, inside, alternatives
        alternatives += element == "Fallback"  # the same once more, for older programs
        if not outermost and element in _COUNTED and not alternatives:
            outermost, text = element, ""
        inside += element == outermost

    def end(element: str) -> None:
        nonlocal outermost, inside, alternatives
        alternatives -= element == "Fallback"
        inside -= element == outermost
        if outermost and not inside:
            reason = _COUNTED[outermost]
            if text.strip() or reason != DELETED:  # a deleted paragraph mark is no text
                found.append(Omission(reason, shown(text) or outermost))
            outermost = ""

    def characters(more: str) -> None:
        nonlocal text
        if outermost and len(text) < 100:
            text += more

    package.scan(name, start, end, characters)
    return found
