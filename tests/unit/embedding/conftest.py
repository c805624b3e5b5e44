"""Loads with an embedder that does as it is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchwright import Plan, Target
from batchwright.contracts.vectors import packed
from batchwright.engine.embedding.texts import embedded_text
from batchwright.engine.result import RunResult
from batchwright.testing.embeddings_server.vectors import vector_of
from tests.support.embedding import DIMENSIONS, Scripted
from tests.support.loads import config_of, run


@dataclass
class Base:
    """A folder of documents and a target.

    Attributes:
        folder: The documents.
        db: The target.
        script: The embedder.
        settings: Settings of all loads.
    """

    folder: Path
    db: Path
    script: Scripted
    settings: dict[str, Any]

    def write(self, documents: int = 5, paragraphs: int = 6, changed: str = "") -> None:
        """Write documents with one chunk a paragraph."""
        self.folder.mkdir(exist_ok=True)
        for number in range(documents):
            lines = [
                f"Paragraph {place} of document {number} says this and that and more of it, word after word."
                for place in range(paragraphs)
            ]
            body = "\n\n".join(lines) + changed
            (self.folder / f"d{number:03}.md").write_text(f"# Title {number}\n\n{body}\n")

    def load(self, options: dict[str, Any] | None = None, **settings: Any) -> RunResult:
        """Run."""
        given = {**self.settings, "embedders": {"scripted": options or {}}, **settings}
        url = f"sqlite:///{self.db}"
        return run(config_of(self.folder, url, embedder="scripted", **given), [self.script.plugin()])

    def plan(self, options: dict[str, Any] | None = None) -> Plan:
        """Plan."""
        given = {**self.settings, "embedders": {"scripted": options or {}}}
        config = config_of(self.folder, f"sqlite:///{self.db}", embedder="scripted", **given)
        return Target(config, plugins=[self.script.plugin()]).plan()

    def query(self, statement: str) -> list[Any]:
        """Ask the database."""
        with closing(sqlite3.connect(self.db)) as connection:
            return connection.execute(statement).fetchall()

    def check(self, without: int = 0, salt: str = "", prefix: str = "", model: str = "scripted") -> None:
        """Check that every published row has its own vector of the model, but for some."""
        rows = self.query(
            "SELECT k.context_header, k.chunk_text, k.source_file, v.vector FROM knowledge_base AS k "
            "JOIN knowledge_base_records AS r ON r._id = k.id "
            'LEFT JOIN knowledge_base_models AS m ON m.identity LIKE \'%"name": "' + model + "\"%' "
            "LEFT JOIN knowledge_base_vectors AS v ON v.key = r._vector_key AND v.model = m.id"
        )
        assert rows
        found = 0
        for header, text, key, vector in rows:
            if vector is not None:
                sent = prefix + embedded_text(header, text, key)
                assert vector == packed(vector_of(sent, DIMENSIONS, salt), DIMENSIONS)
                found += 1
        assert len(rows) - found == without


@pytest.fixture
def base(tmp_path: Path) -> Base:
    made = Base(tmp_path / "docs", tmp_path / "kb.db", Scripted(), {"max_outage": 3.0, "max_retries": 1})
    made.write()
    return made
