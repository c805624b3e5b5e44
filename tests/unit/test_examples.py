"""The programs in examples/ do what they say."""

from __future__ import annotations

import json
import sqlite3
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from batchwright import Batch, BatchConfig, BatchProcessor, ErrorRecoveryAction
from tests.support.distributions import Environment, make_wheel

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "garden.md").write_text("# Garden\n\nSow peas in March, beans in May.\n", "utf-8")
    (folder / "bread.md").write_text("# Bread\n\nFlour, water, salt and time.\n", "utf-8")
    return folder


# --- the classifier -----------------------------------------------------------------------------------


def test_the_gateway_classifier_knows_one_error_only(docs: Path) -> None:
    config = BatchConfig(input_dir=docs, plugins=(str(EXAMPLES / "gateway_classifier.py"),))
    processor = BatchProcessor(config)
    batch: Batch[str] = Batch(["a record"], 0)
    busy = processor.handle_error(ValueError("HTTP 503: error 4711"), batch)
    other = processor.handle_error(ValueError("error 42"), batch)
    assert (busy, other) == (ErrorRecoveryAction.RETRY, ErrorRecoveryAction.SKIP)


def test_the_gateway_classifier_is_as_short_as_the_readme_says() -> None:
    code = (EXAMPLES / "gateway_classifier.py").read_text("utf-8").split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 11


# --- the preparation of documents ---------------------------------------------------------------------


def test_drafts_stay_out_and_addresses_are_redacted_everywhere(docs: Path) -> None:
    front = '---\nauthor: "Ann <ann@example.org>"\ntags: [x, me@example.org]\n---\n'
    (docs / "mail.md").write_text(f"{front}# Ask a.b+c@mail.example.org\n\nOr b@example.org.\n", "utf-8")
    (docs / "draft.md").write_text("---\ndraft: true\n---\n# Secret\n", "utf-8")
    plugin = str(EXAMPLES / "careful_documents.py")
    config = BatchConfig(source=docs, plugins=(plugin,), reporters=())
    account = BatchProcessor(config).run().account
    assert (account.documents.added, account.left_out) == (3, {"draft": 1})
    with closing(sqlite3.connect("batchwright.db")) as connection:
        stored = str(connection.execute("SELECT * FROM knowledge_base").fetchall())
    assert "@" not in stored
    assert "Ann <[address]>" in stored
    assert BatchProcessor(config).run().account.documents.unchanged == 3


# --- the notebook -------------------------------------------------------------------------------------


def test_the_notebook_is_a_distribution_that_batchwright_finds(tmp_path: Path, docs: Path) -> None:
    project = tomllib.loads((EXAMPLES / "notebook_sink" / "pyproject.toml").read_text("utf-8"))["project"]
    source = (EXAMPLES / "notebook_sink" / "batchwright_notebook.py").read_text("utf-8")
    environment = Environment(tmp_path / "venv")
    modules = {"batchwright_notebook.py": source}
    points = project["entry-points"]["batchwright"]
    environment.install(make_wheel(tmp_path, project["name"], modules, points))

    done = environment.run("run", "docs", "--to", "notebook:///out/kb.json?indent=2", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["account"]["records"]["written"] == 2
    again = environment.run("run", "docs", "--to", "notebook:///out/kb.json?indent=2", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["account"]["documents"]["unchanged"] == 2
    assert notebook(tmp_path) == {
        "bread.md": ["# Bread\n\nFlour, water, salt and time.\n"],
        "garden.md": ["# Garden\n\nSow peas in March, beans in May.\n"],
    }


def test_the_notebook_keeps_the_contract(tmp_path: Path, docs: Path) -> None:
    plugin = str(EXAMPLES / "notebook_sink" / "batchwright_notebook.py")
    long = "# Long\n\n" + "\n\n".join(f"## Part {n}\n\n{'word ' * 40}" for n in range(8)) + "\n"
    (docs / "long.md").write_text(long, "utf-8")
    config = BatchConfig(
        input_dir=docs,
        to="notebook:///out/kb.json",
        plugins=(plugin,),
        batch_size=2,
        chunk_max_tokens=64,
        prune=True,
    )
    BatchProcessor(config).process_directory()
    assert "".join(notebook(tmp_path)["long.md"]) == long

    (docs / "long.md").write_text("# Short\n", "utf-8")
    (docs / "garden.md").unlink()
    BatchProcessor(config).process_directory()
    assert notebook(tmp_path) == {
        "bread.md": ["# Bread\n\nFlour, water, salt and time.\n"],
        "long.md": ["# Short\n"],
    }


def notebook(folder: Path) -> dict[str, list[str]]:
    """What a reader sees: the published documents, each with its chunks in order."""
    versions = json.loads((folder / "out" / "kb.json").read_text("utf-8")).values()
    return {
        version["source_file"]: [
            text for _, text in sorted(version["chunks"].items(), key=lambda x: int(x[0]))
        ]
        for version in versions
        if version["published"]
    }


def test_the_examples_need_nothing_but_batchwright() -> None:
    allowed = {*sys.stdlib_module_names, "batchwright"}
    for path in EXAMPLES.rglob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith(("import ", "from ")):
                assert line.split()[1].partition(".")[0] in allowed, (path, line)
