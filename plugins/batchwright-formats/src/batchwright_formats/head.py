"""What the head of an HTML page says about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_END = re.compile(r"</head\b|<body\b", re.IGNORECASE)
_LONGEST = 256 * 1024
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")

# Names of a date, as the fields of a document are called.
_DATES = {
    "date": "date",
    "pubdate": "pubdate",
    "publishdate": "publishdate",
    "publish_date": "publish_date",
    "created": "created",
    "dc_date": "date",
    "dc_date_created": "created",
    "dcterms_date": "date",
    "dcterms_created": "created",
    "article_published_time": "published",
    "og_published_time": "published",
    "datepublished": "published",
    "article_modified_time": "modified",
    "dcterms_modified": "modified",
    "last_modified": "modified",
    "revised": "modified",
}


def fields_of(html: str) -> dict[str, Any]:
    """Return title, description, author, keywords, language, address and dates, as far as it says them."""
    from html_to_markdown import ConversionOptions, PreprocessingOptions, convert

    end = _END.search(html, 0, _LONGEST)
    head = html[: end.start() if end else _LONGEST]
    options = ConversionOptions(preprocessing=PreprocessingOptions(enabled=False))
    said = convert(f"{head}</head><body></body>", options).metadata.document
    names = {_NOT_LETTERS.sub("_", name.lower()): value for name, value in said.meta_tags.items()}
    graph = said.open_graph
    found: dict[str, Any] = {
        "title": said.title or graph.get("title"),
        "description": said.description or graph.get("description"),
        "author": said.author or names.get("article_author"),
        "keywords": list(said.keywords),
        "language": said.language,
        "url": said.canonical_url or graph.get("url"),
        "category": names.get("category"),
        **dict(_dates(names)),
    }
    return {name: value for name, value in found.items() if value}


def _dates(names: dict[str, str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for name, field in _DATES.items():
        if field not in seen and (value := names.get(name)):
            seen.add(field)
            yield field, value
