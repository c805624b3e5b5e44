"""Inputs of every kind, each of which can be changed and shortened."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batchwright.contracts.exits import DONE, REJECTS, USAGE

DOCUMENTS = 40
ROWS = 200


@dataclass
class Input:
    """An input that is made, changed and shortened.

    Attributes:
        sources: What a run is given.
        settings: Its settings.
        documents: How many documents, or rows, it has in all sources.
        change: Changes one.
        remove: Removes one.
        code: The exit code of each run: 3 where lines are bad.
        prunes: What pruning ends with: `USAGE` where it is refused.
        stdin: What is piped in, if anything is.
        relation: Where it is published.
    """

    sources: Sequence[str]
    documents: int
    change: Callable[[], None]
    remove: Callable[[], None]
    settings: dict[str, Any] = field(default_factory=dict)
    code: int = DONE
    prunes: int = DONE
    stdin: Callable[[], bytes] | None = None
    relation: str = "knowledge_base"

    @property
    def is_rows(self) -> bool:
        """Whether it holds rows, and not documents."""
        return self.relation != "knowledge_base"


def text(number: int, word: str = "word") -> str:
    return f"# Document {number}\n\n{word} {number}\n\n## More\n\nof {number}\n"


def fill(folder: Path, name: str = "{:03}.md") -> Path:
    folder.mkdir(parents=True)
    for number in range(DOCUMENTS):
        (folder / name.format(number)).write_text(text(number), "utf-8")
    return folder


# --- the inputs ---------------------------------------------------------------------------------------


def a_folder(place: Path, _: Any) -> Input:
    folder = fill(place / "docs")
    return Input(
        [str(folder)],
        DOCUMENTS,
        lambda: void((folder / "007.md").write_text(text(7, "new"), "utf-8")),
        (folder / "009.md").unlink,
    )


def a_file(place: Path, _: Any) -> Input:
    path = place / "one.md"
    path.write_text(text(1), "utf-8")
    return Input(
        [str(path)], 1, lambda: void(path.write_text(text(1, "new"), "utf-8")), path.unlink, prunes=USAGE
    )


def two_folders(place: Path, _: Any) -> Input:
    first, second = fill(place / "first"), fill(place / "second")
    return Input(
        [str(first), str(second)],
        2 * DOCUMENTS,
        lambda: void((second / "007.md").write_text(text(7, "new"), "utf-8")),
        (first / "009.md").unlink,
    )


def an_archive(place: Path, _: Any) -> Input:
    path = place / "docs.zip"

    def make(texts: dict[int, str]) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, content in texts.items():
                archive.writestr(f"sub/{number:03}.md", content)

    texts = {number: text(number) for number in range(DOCUMENTS)}
    return kept([str(path)], texts, make, text)


def standard_input(place: Path, _: Any) -> Input:
    lines = {n: json.dumps({"id": n, "name": f"name {n}"}) for n in range(ROWS)}
    made: dict[str, bytes] = {}

    def make(lines: dict[int, str]) -> None:
        made["bytes"] = "".join(f"{line}\n" for line in lines.values()).encode()

    given = kept(["-"], lines, make, lambda n, word: json.dumps({"id": n, "name": word}))
    given.settings = {"patterns": ["*.jsonl"], "collection": "piped", "key": "id", "table": "piped"}
    given.stdin, given.relation = lambda: made["bytes"], "piped"
    return given


def a_compressed_file(place: Path, _: Any) -> Input:
    path = place / "orders.csv.gz"

    def make(lines: dict[int, str]) -> None:
        path.write_bytes(gzip.compress(("id,name\n" + "\n".join(lines.values()) + "\n").encode()))

    lines = {n: f"{n},name {n}" for n in range(ROWS)}
    given = kept([str(path)], lines, make, lambda n, word: f"{n},{word}")
    given.settings, given.relation = {"key": "id"}, "orders"
    return given


def a_table_with_ragged_lines(place: Path, _: Any) -> Input:
    path = place / "orders.csv"

    def make(lines: dict[int, str]) -> None:
        bad = [f"{ROWS + n},too,many,columns" if n % 2 else f"{ROWS + n}" for n in range(20)]
        path.write_text("id,name\n" + "\n".join([*lines.values(), *bad]) + "\n", "utf-8")

    lines = {n: f"{n},name {n}" for n in range(ROWS)}
    given = kept([str(path)], lines, make, lambda n, word: f"{n},{word}")
    given.settings, given.relation, given.code = {"key": "id"}, "orders", REJECTS
    return given


def lines_with_a_cut_end(place: Path, _: Any) -> Input:
    path = place / "orders.jsonl"

    def make(lines: dict[int, str]) -> None:
        path.write_text("\n".join([*lines.values(), '{"id": 9999, "na']), "utf-8")

    lines = {n: json.dumps({"id": n, "name": f"name {n}"}) for n in range(ROWS)}
    given = kept([str(path)], lines, make, lambda n, word: json.dumps({"id": n, "name": word}))
    given.settings, given.relation, given.code = {"key": "id"}, "orders", REJECTS
    return given


def a_parquet_file(place: Path, _: Any) -> Input:
    needs("batchwright_tables")
    pa = importlib.import_module("pyarrow")
    pq = importlib.import_module("pyarrow.parquet")

    path = place / "orders.parquet"

    def make(names: dict[int, str]) -> None:
        pq.write_table(pa.table({"id": [*names], "name": [*names.values()]}), path)

    given = kept([str(path)], {n: f"name {n}" for n in range(ROWS)}, make, lambda _n, word: word)
    given.settings, given.relation = {"key": "id"}, "orders"
    return given


def a_query(place: Path, database: str) -> Input:
    needs("batchwright_tables")
    made = "CREATE TABLE item AS SELECT n AS id, 'name ' || n AS name FROM generate_series(1, 200) AS n"
    sql(database, made)
    return Input(
        [database.replace("postgresql:", "postgresql+query:")],
        ROWS,
        lambda: sql(database, "UPDATE item SET name = 'new' WHERE id = 7"),
        lambda: sql(database, "DELETE FROM item WHERE id = 9"),
        {
            "sources": {"postgres_query": {"sql": "SELECT * FROM item", "key": "id"}},
            "collection": "items",
            "key": "id",
            "table": "items",
        },
        relation="items",
    )


def a_query_by_cursor(place: Path, database: str) -> Input:
    needs("batchwright_tables")
    sql(
        database,
        "CREATE TABLE item AS SELECT n AS id, 'name ' || n AS name, "
        "CASE WHEN n % 50 > 0 THEN timestamptz '2026-01-01' + n * interval '1 s' END AS at "
        "FROM generate_series(1, 200) AS n",
    )
    return Input(
        [database.replace("postgresql:", "postgresql+query:")],
        ROWS,
        lambda: sql(database, "UPDATE item SET name = 'new', at = '2026-01-01 00:03:00Z' WHERE id = 7"),
        lambda: sql(database, "DELETE FROM item WHERE id = 9"),
        {
            "sources": {
                "postgres_query": {
                    "sql": "SELECT * FROM item",
                    "key": "id",
                    "cursor": "at",
                    "lag": "1h",
                }
            },
            "collection": "items",
            "key": "id",
            "table": "items",
        },
        prunes=USAGE,
        relation="items",
    )


def several_formats(place: Path, _: Any) -> Input:
    needs("batchwright_formats")
    folder = fill(place / "mixed", "{:03}.html")
    for number in range(DOCUMENTS):
        (folder / f"{number:03}.html").write_text(f"<h1>Page {number}</h1><p>word {number}", "utf-8")
    cells = [{"cell_type": "markdown", "source": ["# Notebook"], "metadata": {}}]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "book.ipynb").write_text(json.dumps(notebook), "utf-8")
    with zipfile.ZipFile(folder / "letter.docx", "w") as letter:
        for name, content in DOCX.items():
            letter.writestr(name, content)
    (folder / "page.pdf").write_bytes(pdf("Some words"))
    return Input(
        [str(folder)],
        DOCUMENTS + 3,
        lambda: void((folder / "007.html").write_text("<h1>New</h1>", "utf-8")),
        (folder / "letter.docx").unlink,
    )


# --- helpers ------------------------------------------------------------------------------------------


def kept(
    sources: Sequence[str],
    content: dict[int, str],
    make: Callable[[dict[int, str]], None],
    line: Callable[[int, str], str],
) -> Input:
    """Return an input that is made anew at each change."""
    make(content)

    def change() -> None:
        content[7] = line(7, "new")
        make(content)

    def remove() -> None:
        del content[9]
        make(content)

    return Input(sources, len(content), change, remove)


def void(_: object) -> None:
    """Drop a value."""


def needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed; make plugins runs this")


def sql(database: str, statement: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(statement)


def pdf(words: str) -> bytes:
    drawing = f"BT /F1 12 Tf 72 700 Td ({words}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    data, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return f"{data}xref\n0 6\n0000000000 65535 f \n{table}{end}".encode()


_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DOCX = {
    "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN}"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}">'
    f'<Relationship Id="r1" Type="{_OFFICE}" Target="word/document.xml"/></Relationships>',
    "word/document.xml": f'<w:document xmlns:w="{_WORDS}"><w:body><w:p><w:r><w:t>Dear all</w:t></w:r></w:p>'
    "</w:body></w:document>",
}

INPUTS = [
    a_folder,
    a_file,
    two_folders,
    an_archive,
    standard_input,
    a_compressed_file,
    a_table_with_ragged_lines,
    lines_with_a_cut_end,
    a_parquet_file,
    a_query,
    a_query_by_cursor,
    several_formats,
]
