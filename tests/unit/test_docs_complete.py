"""The reference is complete: every setting, option, command, hook, event, table and plugin is in it."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from contextlib import closing
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

import pytest
import typer

import batchwright
import batchwright.documents
from batchwright import BatchConfig, EmbedderOptions, PluginError, PluginManager
from batchwright.builtin.classifier import SQLITE_CODES, SQLSTATES
from batchwright.builtin.files.source import FilesOptions
from batchwright.builtin.files.stdin import StdinOptions
from batchwright.builtin.logging import LoggingOptions
from batchwright.builtin.postgres.options import RELATIONS, PostgresOptions
from batchwright.builtin.progress import ProgressOptions
from batchwright.builtin.rows.delimited import CsvOptions
from batchwright.builtin.rows.json_lines import JsonLinesOptions
from batchwright.builtin.sqlite.options import SqliteOptions
from batchwright.cli.main import app
from batchwright.config import PREFIX
from batchwright.contracts import events as events_module
from batchwright.contracts import hookspecs
from batchwright.contracts.plugin import PluginOptions
from batchwright.kinds import KINDS
from batchwright.testing.imports import PUBLIC, PUBLIC_PACKAGES, TESTING
from tests.support import hooks_reference
from tests.support.pages import DOCS, ROOT


def rows(page: str, first: str) -> list[list[str]]:
    """The tables of a page whose first column has this title: their rows, cells stripped."""
    found: list[list[str]] = []
    inside = False
    for line in (DOCS / page).read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            inside = False
        elif inside and not set(cells[0]) <= {"-", ":"}:
            found.append(cells)
        elif cells[0] == first:
            inside = True
    return found


def in_code(text: str) -> str:
    return f"`{text}`"


def test_every_setting_is_documented_with_default_and_variable() -> None:
    documented = {cells[0]: cells for cells in rows("reference/settings.md", "setting")}
    assert documented.keys() == {in_code(name) for name in BatchConfig.model_fields}
    for name, field in BatchConfig.model_fields.items():
        _, kind, default, variable, _ = documented[in_code(name)]
        assert kind
        assert variable.startswith(
            in_code(PREFIX + name.upper()) if "__" not in variable else "`" + PREFIX + name.upper()
        )
        assert default == ("required" if field.is_required() else shown(field.default)), name


def shown(value: object) -> str:
    """A default as a page shows it: as TOML has it."""
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, bool):
        return in_code(str(value).lower())
    if isinstance(value, tuple):
        return in_code("[" + ", ".join(f'"{item}"' for item in value) + "]")
    return in_code(json.dumps(value) if isinstance(value, str) else str(value))


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("option of sqlite", SqliteOptions),
        ("option of postgres", PostgresOptions),
        ("option of logging", LoggingOptions),
        ("option of progress", ProgressOptions),
        ("option of csv", CsvOptions),
        ("option of jsonl", JsonLinesOptions),
        ("option of stdin", StdinOptions),
        ("option of files", FilesOptions),
        ("option of embedders", EmbedderOptions),
    ],
)
def test_every_option_of_a_built_in_is_documented_with_its_default(
    title: str, model: type[PluginOptions]
) -> None:
    documented = {cells[0]: cells[1] for cells in rows("reference/settings.md", title)}
    assert documented == {
        in_code(field.alias or name): shown(field.default)
        for name, field in model.model_fields.items()
        if name not in ("url", "path")
    }


def test_every_command_and_option_is_documented() -> None:
    text = (DOCS / "reference" / "command-line.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `batchwright ([\w-]+)[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    group = typer.main.get_command(app())
    assert sections.keys() == group.commands.keys()  # type: ignore[attr-defined]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        for parameter in command.params:
            for option in [*parameter.opts, *parameter.secondary_opts]:
                wanted = option if option.startswith("-") else parameter.metavar.removesuffix("...")
                assert re.search(rf"`[^`]*(?<![\w-]){re.escape(wanted)}(?![\w-])", sections[name]), (
                    name,
                    option,
                )


def test_the_reference_of_hooks_is_the_one_that_the_hookspecs_make() -> None:
    _, mark, made = hooks_reference.PAGE.read_text("utf-8").partition(hooks_reference.MARK)
    assert mark, "the mark is gone"
    assert made.strip() == hooks_reference.reference().strip(), "run: make reference"


def test_every_hook_is_documented_with_its_arguments_and_exceptions() -> None:
    text = (DOCS / "reference" / "hooks.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `(\w+)\([^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    hooks = {
        name: function for name, function in vars(hookspecs).items() if hasattr(function, "batchwright_spec")
    }
    assert hooks.keys() == sections.keys()
    for name, function in hooks.items():
        for argument in inspect.signature(function).parameters:
            assert f"| `{argument}` | " in sections[name], (name, argument)
        assert "**`None`:**" in sections[name]
        assert ("`firstresult`" in sections[name]) == bool(function.batchwright_spec["firstresult"])
        said = " ".join((function.__doc__ or "").split())
        assert re.search(r"exception|raise|raising", said, re.I), f"{name}: say what an exception does"


def test_every_type_in_the_reference_of_hooks_is_public_and_all_of_it_is_described() -> None:
    text = (DOCS / "reference" / "hooks.md").read_text("utf-8").partition("## Types")[2]
    sections = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", text, re.M | re.S))
    assert {
        "Failure",
        "Verdict",
        "SizingFeedback",
        "SizeLimits",
        "Sink",
        "Receipt",
        "Ledger",
        "Reporter",
    } <= (sections.keys())
    for name, section in sections.items():
        kind = getattr(batchwright, name, None) or getattr(batchwright.documents, name)
        for member in fields(kind) if is_dataclass(kind) else ():
            assert f"\n| `{member.name}` | " in section, (name, member.name)
        for member_name in getattr(kind, "__abstractmethods__", ()):
            shown = (
                f"{member_name}`" if isinstance(getattr(kind, member_name), property) else f"{member_name}("
            )
            assert f"\n| `{shown}" in section, (name, member_name)
        for row in re.findall(r"^\| `.*", section, re.M):
            assert not row.endswith("|  |"), f"{name}: describe it in the docstring: {row}"


def test_every_public_contract_is_in_the_reference_of_hooks() -> None:
    text = (DOCS / "reference" / "hooks.md").read_text("utf-8")
    for name in batchwright.__all__:
        kind = getattr(batchwright, name)
        if isinstance(kind, type) and kind.__module__.startswith("batchwright.contracts."):
            assert f"\n### `{name}`\n" in text, name
    assert "ForwardRef" not in text


@pytest.mark.parametrize("hook", [n for n, f in hooks_reference.hooks().items() if "register" in n])
def test_none_from_a_hook_that_offers_something_breaks_the_plugin(hook: str) -> None:
    plugin = ModuleType("empty_handed")
    exec(f"import batchwright\n@batchwright.hookimpl\ndef {hook}(): return None", vars(plugin))
    with pytest.raises(PluginError, match="returned None"):
        PluginManager.load([plugin], scan=False)


def test_every_event_is_documented_with_its_fields() -> None:
    documented = {cells[0]: cells[1] for cells in rows("reference/events.md", "event")}
    kinds = [k for k in events_module.Event.__subclasses__() if k.__module__ == events_module.__name__]
    assert documented == {
        in_code(kind.__name__): ", ".join(in_code(field.name) for field in fields(kind)) for kind in kinds
    }


def test_the_sqlstates_are_those_of_the_classifier() -> None:
    documented = {cells[0]: (cells[1], cells[2]) for cells in rows("reference/sqlstates.md", "SQLSTATE")}
    assert documented == {
        in_code(state): (action.name, reason) for state, (action, reason) in SQLSTATES.items()
    }
    codes = {cells[0]: (cells[1], cells[2]) for cells in rows("reference/sqlstates.md", "SQLite")}
    assert sorted(codes.values()) == sorted((action.name, reason) for action, reason in SQLITE_CODES.values())


def test_every_table_in_the_database_is_documented() -> None:
    documented = {cells[0] for cells in rows("reference/tables.md", "relation")}
    assert {
        in_code("knowledge_base"),
        *(in_code(f"knowledge_base_{suffix}") for suffix in RELATIONS),
    } <= documented


def test_every_column_of_the_published_relation_is_documented(tmp_path: Path) -> None:
    import sqlite3

    from pydantic import SecretStr

    from batchwright.builtin.sqlite import SqliteSink

    with SqliteSink(SqliteOptions(url=SecretStr(f"sqlite:///{tmp_path}/kb.db"))).open():
        pass
    with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(knowledge_base)")]
    assert [cells[0] for cells in rows("reference/tables.md", "column")] == [
        in_code(name) for name in columns
    ]


def test_every_plugin_here_is_in_the_directory_with_its_kind() -> None:
    documented = {cells[0]: cells[1] for cells in rows("reference/plugins.md", "distribution")}
    ours = sorted(path for path in ROOT.glob("plugins/*") if (path / "pyproject.toml").is_file())
    assert {name: kind for name, kind in documented.items() if "](../../plugins/" in name}.keys() == {
        f"[`{path.name}`](../../plugins/{path.name}/README.md)" for path in ours
    }
    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    built_in = {
        info.name: info for info in PluginManager.load().listing() if info.distribution == "batchwright"
    }
    assert built_in.keys() == points["batchwright"].keys()
    assert {cells[0]: cells[1] for cells in rows("reference/plugins.md", "plugin")} == {
        in_code(name): info.offers[0].partition(" ")[0] for name, info in built_in.items()
    }


def test_what_plugins_may_import_is_said_in_full() -> None:
    text = (DOCS / "how-to" / "publish-a-plugin.md").read_text("utf-8")
    [row] = re.findall(r"^\| what you import \|.*", text, re.M)
    public = {name.removeprefix("batchwright.") for name in (*PUBLIC, *PUBLIC_PACKAGES, TESTING)}
    assert set(re.findall(r"`(\w+)`", row)) == public


def test_every_kind_of_plugin_is_documented_with_hook_section_and_choice() -> None:
    documented = [tuple(cells) for cells in rows("reference/plugins.md", "kind")]
    assert [cells[:3] for cells in documented] == [
        (kind.noun, in_code(kind.hook), in_code(f"[{kind.section}.NAME]") if kind.section else "none")
        for kind in KINDS
    ]
    for kind, cells in zip(KINDS, documented, strict=True):
        assert cells[3].startswith(in_code(kind.choice) if kind.choice else ("all", "the ending"))


def test_the_policy_of_versions_names_those_there_are_and_quotes_what_is_said() -> None:
    text = (DOCS / "reference" / "plugins.md").read_text("utf-8")
    assert f"at present it is {hookspecs.API_VERSION}." in text
    assert f"BATCHWRIGHT_API = {hookspecs.API_VERSION}\n" in text
    assert f"SUPPORTED_APIS = {hookspecs.SUPPORTED_APIS}\n" in text
    for wanted in (hookspecs.API_VERSION + 1, min(hookspecs.SUPPORTED_APIS) - 1):
        plugin = ModuleType("from_elsewhere")
        exec(
            f"import batchwright\n@batchwright.hookimpl\ndef batch_size(): pass\nBATCHWRIGHT_API = {wanted}",
            vars(plugin),
        )
        with pytest.raises(PluginError) as caught:
            PluginManager.load([plugin], scan=False)
        assert str(caught.value).partition("can't be used: ")[2] in " ".join(text.split())
