"""The documentation is true: its code runs, its output is what comes out, its links lead somewhere.

A comment before a fenced block says what becomes of it; a page's blocks share one folder, in their order:

    <!-- file: notes/garden.md -->   the block is written to that file
    <!-- run -->                     console: what follows `$ ` is run in bash, what it prints is compared;
                                     python: run as a program, and what it prints is compared to the next
                                     block where that is marked `<!-- output -->`
    <!-- run: sql -->                run by the administrator of the page's database

A page gets a database of its own if it names `URL`, and a role for it, unless it creates the roles itself.

Compared loosely: every line of the page has to come, in order, and others may come between them. White space
is squeezed, times and rates are not looked at, and `…` stands for anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
import typer

from batchwright import BatchConfig, hookspecs
from batchwright import events as events_module
from batchwright.builtin.classifier import SQLITE_CODES, SQLSTATES
from batchwright.builtin.logging import LoggingOptions
from batchwright.builtin.postgres.options import RELATIONS, PostgresOptions
from batchwright.builtin.progress import ProgressOptions
from batchwright.builtin.sqlite.options import SqliteOptions
from batchwright.cli.main import app
from batchwright.config import PREFIX
from tests.support.postgres import Databases

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
]
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]

URL = "postgresql://kb_loader:secret@localhost/kb"
"""What stands in the pages for the target of a test's own."""

_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[a-z]+)(?:: (?P<what>\S+))? -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block, and what the comment before it says."""

    language: str
    text: str
    mark: str
    what: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(
            found["language"],
            found["text"],
            found["mark"] or "",
            found["what"] or "",
            text.count("\n", 0, found.start()) + 1,
        )
        for found in _BLOCK.finditer(text)
    ]


# --- code ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_marks_are_known_and_python_compiles(page: Path) -> None:
    for block in blocks(page):
        assert block.mark in ("", "run", "file", "output"), f"{page}:{block.line}"
        if block.language == "python":
            compile(block.text, f"{page}:{block.line}", "exec")
    text = page.read_text("utf-8")
    marks = len(re.findall(r"^<!-- (?:run|file|output)\b", text, re.M))
    assert marks == sum(block.mark != "" for block in blocks(page)), "a mark stands before no block"


RUNNABLE = [page for page in PAGES if any(block.mark == "run" for block in blocks(page))]
WITH_DATABASE = [page for page in RUNNABLE if any(URL in block.text for block in blocks(page))]


@pytest.mark.parametrize("page", [p for p in RUNNABLE if p not in WITH_DATABASE], ids=lambda p: p.name)
def test_the_code_of_a_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path, {})


@pytest.mark.parametrize("page", WITH_DATABASE, ids=lambda p: p.name)
def test_the_code_of_a_page_with_a_database_does_what_the_page_says(
    page: Path, tmp_path: Path, database: dict[str, str]
) -> None:
    follow(page, tmp_path, database)


@pytest.fixture
def database(postgres_server: Databases, postgres_url: str) -> Iterator[dict[str, str]]:
    """What to put in place of the names in a page: a server has one of each role only."""
    mark = uuid.uuid4().hex[:8]
    roles = {name: f"{name}_{mark}" for name in ("kb_owner", "kb_loader", "kb_reader")}
    here = urlsplit(postgres_url)
    replaced = {
        "@localhost/kb": f"@{here.hostname}:{here.port}{here.path}",
        "ON DATABASE kb ": f"ON DATABASE {here.path[1:]} ",
        **roles,
        "\0admin": postgres_url,
    }
    with closing(psycopg.connect(postgres_url, autocommit=True)) as connection:
        yield replaced
        for role in roles.values():
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(f'DROP OWNED BY "{role}" CASCADE')
                connection.execute(f'DROP ROLE "{role}"')


def follow(page: Path, folder: Path, replaced: dict[str, str]) -> None:
    """Do what the page says, step by step."""

    def adapted(text: str) -> str:
        for old, new in replaced.items():
            text = text.replace(old, new)
        return text

    admin = replaced.get("\0admin", "")
    if admin and "CREATE ROLE" not in page.read_text("utf-8"):
        with closing(psycopg.connect(admin, autocommit=True)) as connection:
            role = replaced["kb_loader"]
            connection.execute(f"""CREATE ROLE "{role}" LOGIN PASSWORD 'secret'""")
            connection.execute(f'GRANT CREATE, USAGE ON SCHEMA public TO "{role}"')
    steps = blocks(page)
    for number, block in enumerate(steps):
        text = adapted(block.text)
        if block.mark == "file":
            (folder / block.what).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.what).write_text(text, "utf-8")
        elif (block.mark, block.what) == ("run", "sql"):
            with closing(psycopg.connect(admin, autocommit=True)) as connection:
                connection.execute(text)
        elif block.mark == "run" and block.language == "python":
            following = steps[number + 1] if number + 1 < len(steps) else None
            expected = following.text if following and following.mark == "output" else ""
            said = perform([sys.executable, "-c", text], folder)
            assert said.returncode == 0, f"{page.name}:{block.line}: {said.stdout}"
            compare(adapted(expected), said.stdout, f"{page.name}:{block.line}")
        elif block.mark == "run":
            assert block.language == "console", f"{page.name}:{block.line}"
            type_in(text, folder, f"{page.name}:{block.line}")


def type_in(text: str, folder: Path, where: str) -> None:
    """Run the commands of a console block in one shell, so that `$?` and variables are kept."""
    commands = re.findall(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", text, re.M)
    script = "".join(
        f'__={{ echo "\x01"; }} 2>/dev/null; (exit $kept)\n{command}\nkept=$?\n' for command, _ in commands
    )
    script = script.replace('__={ echo "\x01"; } 2>/dev/null', "printf '\\001'")
    said = perform(["bash", "-c", "kept=0\n" + script], folder)
    outputs = said.stdout.split("\x01")[1:]
    assert len(outputs) == len(commands), f"{where}: {said.stdout}"
    for (command, expected), output in zip(commands, outputs, strict=True):
        compare(expected, output, f"{where}: $ {command}")


def perform(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
        "COLUMNS": "100",
        "TERM": "dumb",
        "PYTHONWARNINGS": "error",
        "PYTHONUTF8": "1",
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def compare(expected: str, output: str, where: str) -> None:
    lines = iter([squeezed(line) for line in output.splitlines()])
    for line in expected.splitlines():
        wanted = squeezed(line)
        if wanted and wanted != "…":
            pattern = re.compile(".*".join(map(re.escape, wanted.split("…"))))
            assert any(pattern.fullmatch(found) for found in lines), (
                f"{where}\nmissing: {wanted}\nin:\n{output}"
            )


def squeezed(line: str) -> str:
    """A line without what differs from run to run."""
    words = line.split()
    if words and words[0] in ("time", "read", "batches"):
        return words[0]
    line = re.sub(r"postgres(?:ql)?://[^\s'\"]+", "URL", " ".join(words))
    return re.sub(r"kb_(owner|loader|reader)_[0-9a-f]{8}", r"kb_\1", line)


# --- links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    for found in _LINK.finditer(text):
        parts = urlsplit(found["target"])
        if parts.scheme:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        assert target.exists(), found["target"]
        if parts.fragment:
            titles = {anchor(title) for title in _HEADING.findall(target.read_text("utf-8"))}
            assert parts.fragment in titles, found["target"]


def anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def test_every_page_is_on_the_map() -> None:
    linked = {
        (DOCS / urlsplit(target).path).resolve()
        for target in _LINK.findall((DOCS / "index.md").read_text("utf-8"))
    }
    assert {page for page in DOCS.rglob("*.md") if page.name != "index.md"} <= linked


def test_paths_of_tests_that_the_readme_names_exist() -> None:
    for path in re.findall(r"`(tests/[^`\s]*)`", (ROOT / "README.md").read_text("utf-8")):
        assert (ROOT / path).exists(), path


def test_nothing_of_this_machine_is_in_the_pages() -> None:
    for page in PAGES:
        text = page.read_text("utf-8")
        assert not re.search(r"/(?:work|home|root|Users)/\w|pypi\.org", text), page


# --- complete -----------------------------------------------------------------------------------------


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
    assert list(documented) == [in_code(name) for name in BatchConfig.model_fields]
    for name, field in BatchConfig.model_fields.items():
        _, kind, default, variable, _ = documented[in_code(name)]
        assert kind
        assert variable.startswith(
            in_code(PREFIX + name.upper()) if "__" not in variable else "`" + PREFIX + name.upper()
        )
        assert default == ("required" if field.is_required() else shown(field.default)), name


def shown(value: object) -> str:
    """A default as a page shows it: as TOML has it, sizes in words where that reads better."""
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, bool):
        return in_code(str(value).lower())
    if isinstance(value, tuple):
        return in_code("[" + ", ".join(f'"{item}"' for item in value) + "]")
    return in_code(f'"{value}"' if isinstance(value, str) else str(value))


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("option of sqlite", SqliteOptions),
        ("option of postgres", PostgresOptions),
        ("option of logging", LoggingOptions),
        ("option of progress", ProgressOptions),
    ],
)
def test_every_option_of_a_built_in_is_documented_with_its_default(
    title: str, model: type[SqliteOptions]
) -> None:
    documented = {cells[0]: cells[1] for cells in rows("reference/settings.md", title)}
    assert documented == {
        in_code(field.alias or name): shown(field.default)
        for name, field in model.model_fields.items()
        if name != "url"
    }


def test_every_command_and_option_is_documented() -> None:
    text = (DOCS / "reference" / "command-line.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `batchwright ([\w-]+)[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    group = typer.main.get_command(app)
    assert sections.keys() == group.commands.keys()  # type: ignore[attr-defined]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        for parameter in command.params:
            for option in [*parameter.opts, *parameter.secondary_opts]:
                wanted = option if option.startswith("-") else parameter.metavar.removesuffix("...")
                assert re.search(rf"`[^`]*(?<![\w-]){re.escape(wanted)}(?![\w-])", sections[name]), (
                    name,
                    option,
                )


def test_every_hook_is_documented_with_its_arguments_and_exceptions() -> None:
    text = (DOCS / "reference" / "hooks.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `(\w+)[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    hooks = {
        name: function for name, function in vars(hookspecs).items() if hasattr(function, "batchwright_spec")
    }
    assert hooks.keys() <= sections.keys()
    for name, function in hooks.items():
        for argument in [n for n in function.__annotations__ if n != "return"]:
            assert in_code(argument) in sections[name], (name, argument)
        for word in ("`None`" if function.batchwright_spec["firstresult"] else "Two", "exception"):
            assert word.lower() in sections[name].lower(), (name, word)


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

    with SqliteSink(SqliteOptions(url=SecretStr(f"sqlite:///{tmp_path}/kb.db"))):
        pass
    with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(knowledge_base)")]
    assert [cells[0] for cells in rows("reference/tables.md", "column")] == [
        in_code(name) for name in columns
    ]


def test_every_plugin_here_is_in_the_directory_and_the_version_of_the_api_is_told() -> None:
    ours = {
        f"[`{path.name}`](../../plugins/{path.name}/README.md)"
        for path in ROOT.glob("plugins/*")
        if path.is_dir()
    }
    assert {cells[0] for cells in rows("reference/plugins.md", "distribution")} == ours
    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert {cells[0] for cells in rows("reference/plugins.md", "plugin")} == {
        in_code(name) for name in points["batchwright"]
    }
    text = (DOCS / "reference" / "plugins.md").read_text("utf-8")
    assert f"at present it is {hookspecs.API_VERSION}." in text
    assert f"BATCHWRIGHT_API = {hookspecs.API_VERSION}\n" in text
