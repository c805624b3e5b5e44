"""One table of the kinds of plugins: what it drives, and what a new kind needs."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import batchwright
import batchwright.testing
from batchwright import BatchConfig
from batchwright.config import secrets_of, sections
from batchwright.contracts.kinds import CONTRACTS
from batchwright.kinds import BY_HOOK, KINDS, OFFERED, Kind
from batchwright.scaffold import KINDS as TEMPLATES
from tests.support import hooks_reference
from tests.support.surroundings import without_settings

PACKAGE = Path(batchwright.__file__).parent

# --- what each row names ------------------------------------------------------------------------------


def test_every_hook_has_its_row() -> None:
    assert BY_HOOK.keys() == hooks_reference.hooks().keys()


def test_every_kind_with_a_section_has_its_class_and_no_other_has_one() -> None:
    assert CONTRACTS.keys() == {kind.noun for kind in OFFERED}


def test_every_choice_is_a_setting_and_no_section_has_the_name_of_a_setting() -> None:
    settings = set(BatchConfig.__annotations__)  # those that are written down, which sections are not
    assert {kind.choice for kind in KINDS if kind.choice} <= settings
    assert not settings & {kind.section for kind in OFFERED}


def test_type_checkers_see_the_sections_of_the_rows() -> None:
    seen = re.findall(
        r"^        (\w+): dict\[str, dict\[str, Any\]\] = Field\(default=\{\}\)$",
        inspect.getsource(sections),
        re.M,
    )
    assert seen == [kind.section for kind in OFFERED] == list(sections.Sections.model_fields)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.noun)
def test_new_plugin_and_the_kit_serve_the_kinds_that_say_so(kind: Kind) -> None:
    served = (
        kind.noun in TEMPLATES,
        (PACKAGE / "scaffold" / "templates" / kind.noun).is_dir(),
        hasattr(batchwright.testing, f"{kind.noun.capitalize()}Contract"),
    )
    assert served == (kind.kit,) * 3


# --- masking ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OFFERED, ids=lambda kind: kind.noun)
@pytest.mark.parametrize(
    "options",
    [
        {"password": "hunter2"},
        {"anything": SecretStr("hunter2")},
        {"dsn": "postgresql://me:hunter2@host/db"},
        {"headers": {"api_key": "hunter2"}},
        {"tokens": ["hunter2"]},
    ],
    ids=str,
)
def test_a_password_in_a_section_of_any_kind_is_masked(
    kind: Kind, options: dict[str, Any], tmp_path: Path
) -> None:
    config = BatchConfig.model_validate({"input_dir": tmp_path, kind.section: {"x": options}})
    assert secrets_of(config) == ("hunter2",)
    assert "hunter2" not in repr(config)


# --- a ninth kind -------------------------------------------------------------------------------------

ROW = '    Kind("gadget", "register_gadgets", section="gadgets", kit=False),\n'

CONTRACT = '''

from batchwright.contracts.plugin import Plugin, PluginOptions

class Gadget(Plugin[PluginOptions]):
    """What the engine would know to use."""

CONTRACTS = {**CONTRACTS, "gadget": Gadget}
'''

HOOK = '''

@hookspec
def register_gadgets():
    """Offer gadgets."""
'''

PLUGIN = """
import batchwright
from batchwright.contracts.kinds import Gadget
from batchwright.contracts.plugin import PluginOptions

class LampOptions(PluginOptions):
    watts: int
    token: str = ""

class Lamp(Gadget):
    name = "lamp"
    options_type = LampOptions

@batchwright.hookimpl
def register_gadgets():
    return [Lamp]
"""

PROGRAM = """
import os
from batchwright import PluginManager
from batchwright.config import BatchConfig, load_config, secrets_of

config = load_config(BatchConfig, {"input_dir": "."}, os.environ, None)
lamp = PluginManager.load(["lamp.py"]).make("gadget", "lamp", config.gadgets)
print(secrets_of(config), lamp, lamp.options.watts, config)
"""


@pytest.fixture
def with_gadgets(tmp_path: Path) -> Path:
    """A folder with a copy of batchwright that knows one kind more, a plugin of this kind, and settings."""
    copy = tmp_path / "batchwright"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    rows = (copy / "kinds.py").read_text("utf-8")
    assert "\nKINDS = (\n" in rows
    (copy / "kinds.py").write_text(rows.replace("\nKINDS = (\n", f"\nKINDS = (\n{ROW}"), "utf-8")
    for name, text in (("kinds.py", CONTRACT), ("hookspecs.py", HOOK)):
        with (copy / "contracts" / name).open("a", encoding="utf-8") as file:
            file.write(text)
    (tmp_path / "lamp.py").write_text(PLUGIN, "utf-8")
    (tmp_path / "batchwright.toml").write_text('[gadgets.lamp]\ntoken = "hunter2"\n', "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**without_settings(), "PYTHONPATH": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_a_new_kind_needs_its_row_its_class_and_its_hook(with_gadgets: Path) -> None:
    doctor = ("-m", "batchwright", "plugins", "doctor", "--plugin", "lamp.py", "--json")
    listed = run(with_gadgets, "-m", "batchwright", "plugins", "--plugin", "lamp.py", "--json")
    offers = {plugin["name"]: plugin["offers"] for plugin in json.loads(listed)["plugins"]}
    assert offers["lamp"] == ["gadget lamp"]

    assert checks_of_the_lamp(run(with_gadgets, *doctor)) == {
        "import": "ok",
        "hooks": "ok",
        "options": "ill",  # it needs its watts, and the settings don't say them
    }
    watts = {"BATCHWRIGHT_GADGETS__LAMP__WATTS": "40"}
    assert checks_of_the_lamp(run(with_gadgets, *doctor, **watts))["options"] == "ok"

    made = run(with_gadgets, "-c", PROGRAM, **watts)
    assert made.startswith("('hunter2',) <Lamp lamp> 40 input_dir=")
    assert made.count("hunter2") == 1


def checks_of_the_lamp(report: str) -> dict[str, str]:
    [lamp] = [plugin for plugin in json.loads(report)["plugins"] if plugin["name"] == "lamp"]
    return {check["check"]: check["state"] for check in lamp["checks"]}


# --- no second table ----------------------------------------------------------------------------------

WORDS = {"reader", "source", "sources", "embedders"}
"""Nouns that mean other things, too: the setting `source`, `documents.reader`, `testing.sources`."""

SPELLED_OUT = {
    "kinds.py": "the table",
    "contracts/kinds.py": "the class of each kind",
    "plugins/catalog.py": "sinks are picked by the scheme of a URL",
    "cli/doctor.py": "probes the embedder that is chosen",
    "cli/probes.py": "the same",
    "cli/run.py": "the option --executor",
    "cli/search.py": "the option --embedder",
    "cli/plan.py": "what the JSON calls the embedder",
    "engine/delivery/rejects.py": "says who refused a text",
    "engine/embedding/embedding.py": "makes the embedder",
    "engine/embedding/fill.py": "says who refused a text",
    "cli/report.py": "the option --report",
    "cli/summary.py": "what the JSON calls the executor",
    "config/sources.py": "that option, in messages",
    "cli/refusal.py": "makes the reporters of a run that did not start",
    "engine/run.py": "makes the executor",
    "engine/reporting.py": "says whose fault it was",
    "plugins/manager.py": "makes the reporters",
    "operations/asked_vector.py": "makes the embedder",
    "testing/samples.py": "says who refused a text",
    "testing/sinks/vectors_found.py": "says who refused a text",
}
"""Files that name such a kind in a string, and why; a new kind needs no line in any but the first two."""


def test_kinds_with_classes_are_named_in_strings_only_where_one_of_them_is_meant() -> None:
    names = {name for kind in OFFERED for name in (kind.noun, kind.section, kind.hook)} - WORDS
    found = {
        name
        for name, text in sources().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert found == SPELLED_OUT.keys()


def test_hooks_that_offer_classes_are_spelled_out_in_the_table_the_specs_and_plugins() -> None:
    hooks = re.compile("|".join(kind.hook for kind in OFFERED))
    found = {name for name, text in sources().items() if hooks.search(text)}
    scripted = "testing/scripted.py"  # a plugin, too
    assert found == {"kinds.py", "contracts/hookspecs.py", scripted}


def sources() -> dict[str, str]:
    """The package's files but for the built-in plugins, by path."""
    files = {file.relative_to(PACKAGE).as_posix(): file.read_text("utf-8") for file in PACKAGE.rglob("*.py")}
    return {name: text for name, text in files.items() if not name.startswith("builtin/")}
