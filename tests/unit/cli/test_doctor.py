"""`batchwright plugins doctor`: it finds what is wrong with a plugin, and says what to do."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from batchwright.plugins.installed import Installed, find_installed
from batchwright.plugins.manager import PluginManager
from tests.unit.cli.conftest import Command

SHELF = """
import batchwright
from batchwright import Reporter, ReporterOptions, Sink, SinkOptions


class ShelfOptions(SinkOptions):
    room: str
    level: int = 1


class ShelfSink(Sink[ShelfOptions]):
    name = "shelf"
    schemes = ("shelf",)
    options_type = ShelfOptions

    def open(self, record_type=None, *, create=True):
        raise OSError("no such room, password=sesame-open")


class BellOptions(ReporterOptions):
    tone: int


class BellReporter(Reporter[BellOptions]):
    name = "bell"
    options_type = BellOptions

    def handle(self, event):
        pass


@batchwright.hookimpl
def register_sinks():
    return [ShelfSink]


@batchwright.hookimpl
def register_reporters():
    return [BellReporter]
"""


WELL = """
import batchwright
from batchwright import Source, SourceOptions


class WellOptions(SourceOptions):
    depth: int


class WellSource(Source[WellOptions]):
    name = "well"
    schemes = ("well",)
    options_type = WellOptions

    def list(self, after="", until=None, since=None):
        return iter(())

    def fetch(self, item):
        raise FileNotFoundError(item.key)


@batchwright.hookimpl
def register_sources():
    return [WellSource]
"""


@pytest.fixture
def shelf() -> str:
    Path("shelf.py").write_text(SHELF, "utf-8")
    return "shelf.py"


def checks(result: dict[str, Any], name: str) -> dict[tuple[str, str], dict[str, str]]:
    """The checks of a plugin, by what was checked and its state."""
    [found] = [one for one in result["plugins"] if one["name"] == name]
    return {(check["check"], check["state"]): check for check in found["checks"]}


def test_all_is_well_with_what_comes_along(batchwright: Command) -> None:
    outcome = batchwright("plugins", "doctor")
    assert outcome.code == 0
    assert "ok   sqlite (batchwright " in outcome.out
    assert "sink sqlite: table, full_text" in outcome.out
    assert "next:" not in outcome.out
    assert outcome.err.endswith(" well\n")


def test_options_that_are_needed_are_named(batchwright: Command, shelf: str) -> None:
    outcome = batchwright("plugins", "doctor", "--plugin", shelf, "--json")
    assert outcome.code == 1
    found = checks(outcome.json, "shelf")
    assert found["options", "ill"]["found"] == "it can't do without: room"
    assert "[sink.shelf]" in found["options", "ill"]["next"]
    # nobody has asked for the bell
    assert found["options", "off"]["found"].startswith("reporter.bell.tone")


def test_options_that_a_source_needs_come_with_its_url(batchwright: Command) -> None:
    Path("well.py").write_text(WELL, "utf-8")
    outcome = batchwright("plugins", "doctor", "--plugin", "well.py", "--json")
    assert outcome.code == 0
    assert checks(outcome.json, "well")["options", "ok"]["found"] == "source well: depth"


def test_options_that_are_wrong_are_named(batchwright: Command, shelf: str) -> None:
    Path("batchwright.toml").write_text(
        'reporters = ["bell"]\n[sink.shelf]\nroom = "r"\nlevle = 2\n[reporter.bell]\ntone = 3\n', "utf-8"
    )
    found = checks(batchwright("plugins", "doctor", "--plugin", shelf, "--json").json, "shelf")
    assert found["options", "ill"]["found"].startswith("levle: ")
    assert found["options", "ok"]["found"] == "reporter bell: tone"


def test_options_that_fit_are_well(batchwright: Command, shelf: str) -> None:
    Path("batchwright.toml").write_text('[sink.shelf]\nroom = "r"\n[reporter.bell]\ntone = 3\n', "utf-8")
    assert batchwright("plugins", "doctor", "--plugin", shelf).code == 0


def test_a_reporter_that_is_switched_on_has_to_be_set_up(batchwright: Command, shelf: str) -> None:
    Path("batchwright.toml").write_text('reporters = ["bell"]\n[sink.shelf]\nroom = "r"\n', "utf-8")
    outcome = batchwright("plugins", "doctor", "--plugin", shelf)
    assert outcome.code == 1
    assert "[reporter.bell]" in outcome.out


def test_a_target_that_does_not_answer_is_ill_and_its_password_is_not_shown(
    batchwright: Command, shelf: str
) -> None:
    outcome = batchwright("plugins", "doctor", "--plugin", shelf, "--to", "shelf:///x?room=r")
    assert outcome.code == 1
    assert "OSError: no such room" in outcome.out
    assert "batchwright plugins explain-error OSError" in outcome.out
    assert "sesame" not in outcome.out + outcome.err


def test_a_target_that_answers_is_well(batchwright: Command) -> None:
    assert batchwright("run", "docs", "-q", "--to", "sqlite:///kb.db").code == 0
    outcome = batchwright("plugins", "doctor", "--to", "sqlite:///kb.db", "--json")
    assert outcome.code == 0
    assert checks(outcome.json, "sqlite")["probe", "ok"]["found"] == "the target answers"


def test_a_target_that_is_not_there_yet_is_not_made(batchwright: Command) -> None:
    outcome = batchwright("plugins", "doctor", "--to", "sqlite:///new.db")
    assert outcome.code == 0
    assert "nothing is loaded there yet" in outcome.out
    assert not Path("new.db").exists()


def test_a_target_for_which_there_is_no_sink_is_ill(batchwright: Command) -> None:
    outcome = batchwright("plugins", "doctor", "--to", "sqlit:///x")
    assert outcome.code == 1
    assert "did you mean 'sqlite'?" in outcome.out


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import no_such_thing", "No module named 'no_such_thing'"),
        ("x = 1", "it implements no hook"),
        ("import batchwright\nBATCHWRIGHT_API = 99\n", "it is written for plugin API 99"),
        (
            "import batchwright\n@batchwright.hookimpl\ndef clasify_error(failure): pass\n",
            "did you mean 'classify_error'?",
        ),
    ],
)
def test_a_plugin_that_was_asked_for_and_cannot_be_used_is_ill_and_the_others_are_examined(
    batchwright: Command, source: str, found: str
) -> None:
    Path("bad.py").write_text(source, "utf-8")
    outcome = batchwright("plugins", "doctor", "--plugin", "bad.py")
    assert outcome.code == 1
    assert f"{found}" in outcome.out
    assert "ok   sqlite" in outcome.out
    assert outcome.err.endswith("; ill: bad.py\n")


def test_a_broken_installed_plugin_is_ill_with_what_to_do(
    batchwright: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("wobbly", "no_such_module", "batchwright")
    found = [*find_installed(), Installed("wobbly", point, "")]
    monkeypatch.setattr("batchwright.plugins.loading.find_installed", lambda: found)
    outcome = batchwright("plugins", "doctor", "--json")
    assert outcome.code == 1
    check = checks(outcome.json, "wobbly")["import", "ill"]
    assert "no_such_module" in check["found"]
    assert check["next"] == (
        'install what it lacks: pip install --upgrade wobbly; meanwhile: disable_plugins = ["wobbly"]'
    )


def test_a_disabled_plugin_is_off_and_that_is_well(
    batchwright: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHWRIGHT_DISABLE_PLUGINS", "postgres")
    outcome = batchwright("plugins", "doctor", "--json")
    assert outcome.code == 0
    assert "not even imported" in checks(outcome.json, "postgres")["import", "off"]["found"]


def test_two_plugins_that_clash_are_ill(batchwright: Command) -> None:
    for name in ("one.py", "two.py"):
        Path(name).write_text(SHELF, "utf-8")
    outcome = batchwright("plugins", "doctor", "--plugin", "one.py", "--plugin", "two.py")
    assert outcome.code == 1
    assert "offer a sink for 'shelf'" in outcome.out
    assert "disable one of the two" in outcome.out


@pytest.mark.parametrize("options", [["--json"], ["-v"], ["--plugin", "x.py"]])
def test_options_before_the_command_are_refused_not_ignored(batchwright: Command, options: list[str]) -> None:
    outcome = batchwright("plugins", *options, "doctor")
    assert outcome.code == 2
    assert "behind the command: batchwright plugins doctor" in outcome.err


def test_plugins_alone_still_lists(batchwright: Command) -> None:
    listed = [info["name"] for info in batchwright("plugins", "--json").json["plugins"]]
    assert listed == [info.name for info in PluginManager.load().listing()]


LINES = """
from importlib.metadata import EntryPoint
from pathlib import Path

import batchwright
from batchwright import Holding, Inspectable, Sink, Store


class LinesStore(Store, Inspectable):
    def write(self, batch, receipt):
        pass

    def holdings(self):
        return iter([Holding("some", 1)] if Path("full").exists() else [])

    def sound(self, document_id):
        return frozenset()


class LinesSink(Sink):
    name = "lines"
    schemes = ("lines",)

    def open(self, record_type=None, *, create=True):
        return LinesStore()


@batchwright.hookimpl
def register_sinks():
    return [LinesSink]
"""


@pytest.mark.parametrize(
    ("ledger", "state", "said"),
    [
        ("/dev/null/a.db", "ill", "/dev/null is a file"),
        ("relative.db", "warn", "relative.db is another file in another working directory"),
        ("/var/tmp/a.db", "warn", "/var/tmp/a.db may be gone before the next run: /var/tmp is emptied"),
    ],
)
def test_the_place_of_a_ledger_beside_the_target_is_looked_at(
    batchwright: Command, ledger: str, state: str, said: str
) -> None:
    Path("lines.py").write_text(LINES, "utf-8")
    Path("batchwright.toml").write_text(f'ledger = "{ledger}"\nplugins = ["lines.py"]\n', "utf-8")
    outcome = batchwright("plugins", "doctor", "--to", "lines:///kb", "--json")
    assert outcome.code == int(state == "ill")
    found = checks(outcome.json, "lines")["ledger", state]
    assert said in found["found"]
    assert found["next"]
    assert not Path(ledger).exists()


def test_a_ledger_that_is_not_where_it_was_is_ill(batchwright: Command) -> None:
    Path("lines.py").write_text(LINES, "utf-8")
    Path("full").touch()
    outcome = batchwright("plugins", "doctor", "--plugin", "lines.py", "--to", "lines:///kb")
    assert outcome.code == 1
    assert "the target holds rows, but its ledger " in outcome.out
    assert "BATCHWRIGHT_LEDGER" in outcome.out


SCALES = """
import batchwright
from batchwright import Embedder, EmbedderOptions, EmbeddingModel
from pydantic import SecretStr


class ScalesOptions(EmbedderOptions):
    key: SecretStr


class ScalesEmbedder(Embedder[ScalesOptions]):
    name = "scales"
    options_type = ScalesOptions
    host = "scales.example"

    @property
    def model(self):
        return EmbeddingModel("weight", 2)

    def embed(self, texts):
        key = self.options.key.get_secret_value()
        if key != "sesame":
            raise ConnectionError(f"no way in for {key}")
        return [[1.0, 2.0] for _ in texts]

    def close(self):
        print("closed")


@batchwright.hookimpl
def register_embedders():
    return [ScalesEmbedder]
"""


def test_the_embedder_that_is_chosen_is_probed_and_no_other(
    batchwright: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "scales.py"
    plugin.write_text(SCALES, "utf-8")
    found = batchwright("plugins", "doctor", "--plugin", str(plugin), "--json")
    checks = {check["check"]: check for check in examined(found, "scales")["checks"]}
    assert checks["options"]["state"] == "off"
    assert "probe" not in checks
    monkeypatch.setenv("BATCHWRIGHT_EMBEDDERS__SCALES__KEY", "sesame")
    found = batchwright("plugins", "doctor", "--plugin", str(plugin), "--embedder", "scales", "--json")
    [probe] = [c for c in examined(found, "scales")["checks"] if c["check"] == "probe"]
    assert probe["state"] == "ok"
    assert probe["found"] == "the model weight answers at scales.example: 2 dimensions"
    monkeypatch.setenv("BATCHWRIGHT_EMBEDDERS__SCALES__KEY", "wrong-sesame")
    found = batchwright("plugins", "doctor", "--plugin", str(plugin), "--embedder", "scales", "--json")
    [probe] = [c for c in examined(found, "scales")["checks"] if c["check"] == "probe"]
    assert (found.code, probe["state"], probe["found"]) == (1, "ill", "ConnectionError: no way in for ***")
    found = batchwright("plugins", "doctor", "--embedder", "none-such", "--json")
    [probe] = examined(found, "(none)")["checks"]
    assert (found.code, probe["state"]) == (1, "ill")
    assert "none-such" in probe["found"]


def examined(outcome: Any, name: str) -> Any:
    [plugin] = [one for one in outcome.json["plugins"] if one["name"] == name]
    return plugin
