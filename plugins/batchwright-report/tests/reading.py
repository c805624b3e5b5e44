"""Reads a page as a strict reader would: what is opened is closed, and nothing is loaded or run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "path", "rect"}


@dataclass
class Element:
    """An element, with all the text in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: list[Element] = field(default_factory=list)


class Page(HTMLParser):
    """A page."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(source)
        self.close()
        assert not self._open, f"not closed: {[element.tag for element in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        for outer in self._open[-1:]:
            outer.inside.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("path", "rect"):
            return
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, class_: str = "") -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag == tag and (not class_ or class_ in element.attributes.get("class", "").split())
        ]

    def one(self, tag: str, class_: str = "") -> Element:
        [element] = self.all(tag, class_)
        return element

    @property
    def text(self) -> str:
        return self.one("body").text

    @property
    def title(self) -> str:
        return self.one("h1").text.lstrip("✓!✕… ")

    def has_section(self, title: str) -> bool:
        return any(heading.text == title for heading in self.all("h2"))

    def table(self, caption: str) -> list[list[str]]:
        """The rows of a table, as texts; none if it isn't there."""
        for table in self.all("table"):
            if table.inside[0].text == caption:
                body = next(part for part in table.inside if part.tag == "tbody")
                return [[cell.text for cell in row.inside] for row in body.inside]
        return []

    def problems(self) -> list[str]:
        """What is said to be wrong, at the top."""
        lists = self.all("ul", "wrong")
        return [item.text for item in lists[0].inside] if lists else []

    def counts(self, noun: str) -> dict[str, int]:
        """The account of documents or records: by state, as the events name it."""
        known = {}
        for name, number, _ in self.table(f"What became of the {noun}"):
            state = re.match(
                r"Not attempted|In all|[A-Z][a-z]+?(?=stored|set|in a|pub|none|gone|the|$)", name
            )
            assert state, name
            known[state.group().lower().replace(" ", "_")] = int(number.replace(",", ""))
        return known
