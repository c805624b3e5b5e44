"""The documentation is true: its code runs, its output is what comes out, its links lead somewhere.

How a page is followed is said in tests/support/pages.py; pages that need an environment of their own are
followed by test_tutorials.py. A page gets a database of its own if it names `URL`, and a role for it,
unless it creates the roles itself.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from tests.support.pages import (
    DOCS,
    PAGES,
    ROOT,
    RUNNABLE,
    Reader,
    blocks,
    compare,
    environment,
    installs,
    name_of,
)
from tests.support.postgres import Databases

IDS = [name_of(page) for page in PAGES]

URL = "postgresql://kb_loader:secret@localhost/kb"
"""What stands in the pages for the target of a test's own."""

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.M)


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


def test_a_test_that_fails_is_no_output_of_tests_that_pass() -> None:
    compare("…\n… passed in …\n", "..\n2 passed in 0.1s\n", "page.md:1")
    with pytest.raises(AssertionError, match="missing: … passed in …"):
        compare("… passed in …\n", "1 failed, 2 passed in 0.1s\n", "page.md:1")


HERE = [page for page in RUNNABLE if not installs(page)]
WITH_DATABASE = [page for page in HERE if any(URL in block.text for block in blocks(page))]


@pytest.mark.parametrize("page", [page for page in HERE if page not in WITH_DATABASE], ids=name_of)
def test_the_code_of_a_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    Reader(tmp_path, environment(PYTHONWARNINGS="error"), {}).follow(page)


@pytest.mark.parametrize("page", WITH_DATABASE, ids=name_of)
def test_the_code_of_a_page_with_a_database_does_what_the_page_says(
    page: Path, tmp_path: Path, database: dict[str, str], postgres_url: str
) -> None:
    if "CREATE ROLE" not in page.read_text("utf-8"):
        with closing(psycopg.connect(postgres_url, autocommit=True)) as connection:
            role = database["kb_loader"]
            connection.execute(f"""CREATE ROLE "{role}" LOGIN PASSWORD 'secret'""")
            connection.execute(f'GRANT CREATE, USAGE ON SCHEMA public TO "{role}"')
    Reader(tmp_path, environment(PYTHONWARNINGS="error"), database).follow(page, postgres_url)


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
    }
    with closing(psycopg.connect(postgres_url, autocommit=True)) as connection:
        yield replaced
        for role in roles.values():
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(f'DROP OWNED BY "{role}" CASCADE')
                connection.execute(f'DROP ROLE "{role}"')


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
