"""A plugin in a distribution of its own, installed beside batchwright, works without a change to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.distributions import Environment, make_wheel

NOTEBOOK = '''
"""A sink that writes chunks to a file of JSON lines, and a classifier that knows its errors."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import batchwright


class NotebookOptions(batchwright.SinkOptions):
    colour: str = "white"


class NotebookSink(batchwright.Sink[NotebookOptions]):
    name = "notebook"
    schemes = ("notebook",)
    options_type = NotebookOptions

    def open(self, record_type=None, *, create=True):
        return NotebookStore(self.options)


class NotebookStore(batchwright.Store):
    def __init__(self, options):
        self.options = options

    def write(self, batch, receipt):
        path = Path(urlsplit(self.options.url.get_secret_value()).path)
        rows = json.loads(path.read_text()) if path.exists() else {}
        for chunk in batch.documents:
            if "FORBIDDEN" in chunk.chunk_text:
                raise KeyError("forbidden")
            rows[chunk.id] = [self.options.colour, chunk.source_file, chunk.chunk_text]
        kept = {id_: row for id_, row in rows.items() if id_[:28] not in {v[:28] for v in receipt.removed}}
        path.write_text(json.dumps(kept))


@batchwright.hookimpl
def register_sinks():
    return [NotebookSink]


@batchwright.hookimpl
def classify_error(failure):
    if isinstance(failure.error, KeyError):
        return batchwright.Verdict(batchwright.ErrorRecoveryAction.SKIP, "forbidden in notebooks")
'''


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("environment")
    environment = Environment(folder / "venv")
    modules = {"batchwright_notebook.py": NOTEBOOK}
    environment.install(
        make_wheel(folder, "batchwright-notebook", modules, {"notebook": "batchwright_notebook"})
    )
    return environment


def test_it_is_listed(environment: Environment, tmp_path: Path) -> None:
    listing = environment.run("plugins", "--json", cwd=tmp_path)
    assert listing.returncode == 0, listing.stderr
    [info] = [info for info in json.loads(listing.stdout)["plugins"] if info["name"] == "notebook"]
    assert (info["distribution"], info["version"], info["state"]) == ("batchwright-notebook", "1.0", "ok")
    assert info["offers"] == ["classifier", "sink notebook"]


def test_its_sink_is_picked_by_scheme_and_its_classifier_overrides_the_built_in(
    environment: Environment, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(5):
        (docs / f"{number}.md").write_text(f"# Note {number}\n")
    (docs / "bad.md").write_text("FORBIDDEN\n")
    target = tmp_path / "notes.json"

    run = environment.run(
        "run", str(docs), "--to", f"notebook://{target}?colour=blue", "--json", cwd=tmp_path
    )

    # the built-in classifier says FAIL of a KeyError; the plugin said SKIP
    assert run.returncode == 3, run.stderr
    account = json.loads(run.stdout)["account"]
    assert (account["records"]["written"], account["records"]["rejected"]) == (5, 1)
    rows = json.loads(target.read_text()).values()
    assert sorted(rows) == [["blue", f"{n}.md", f"# Note {n}\n"] for n in range(5)]


def test_disabled_it_is_not_there(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n")
    (tmp_path / "batchwright.toml").write_text('disable_plugins = ["notebook"]\n')
    run = environment.run("run", str(tmp_path), "--to", f"notebook://{tmp_path}/n.json", cwd=tmp_path)
    assert run.returncode == 2
    assert "no sink for 'notebook'" in run.stderr
    assert "Traceback" not in run.stderr
