"""A canary in place of a password: it sings in no log, traceback, reject, report, table or repr."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from psycopg import sql

from batchwright import BatchConfig, BatchProcessor
from batchwright.engine.store.pool import DatabasePool
from batchwright.plugins.manager import PluginManager
from tests.support.command import Ended, command
from tests.support.corpus import write_corpus
from tests.support.databases import Databases
from tests.support.postgres import free_port

CANARY = "c4n@ry/p:w%d?&Ähm"
ENCODED = quote(CANARY, safe="")
FORMS = (CANARY, ENCODED, ENCODED.lower(), "c4n", "ry/p", "ry%2Fp", "w%25d", "Ähm", "%C3%84hm")
PLUGIN = Path(__file__).parents[1] / "support" / "leaky.py"
LOUD = ("-vv", "--log-json", "--json")


@pytest.fixture
def corpus(tmp_path: Path, seed: int) -> Path:
    return write_corpus(tmp_path / "corpus", seed, 8, sections=2, bad=True)


@pytest.fixture
def keeper(postgres_server: Databases, postgres_url: str) -> Iterator[str]:
    """The URL of a role whose password is the canary."""
    role, database = f"keeper_{postgres_url[-8:]}", postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_url, autocommit=True) as session:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        session.execute(create.format(sql.Identifier(role), sql.Literal(CANARY)))
        owner = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        session.execute(owner.format(sql.Identifier(database), sql.Identifier(role)))
    address = urlsplit(postgres_url)
    yield f"postgresql://{role}:{ENCODED}@{address.hostname}:{address.port}/{database}"
    postgres_server.drop_database(database)
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as session:
        session.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _in_query(url: str) -> str:
    address = urlsplit(url)
    netloc = f"{address.hostname}:{address.port}"
    return f"postgresql://{netloc}{address.path}?user={address.username}&password={ENCODED}"


def _silent(*texts: str) -> None:
    for text in texts:
        for form in FORMS:
            assert form not in text, f"{form!r} in: ...{text[max(0, text.index(form) - 300) :][:700]}"


def _run(folder: Path, *arguments: str, **environ: str) -> Ended:
    ended = command(*arguments, cwd=folder, environ={"BATCHWRIGHT_RETRY_CAP": "0.01", **environ})
    _silent(ended.out, ended.err)
    return ended


def _silent_tables(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        names = session.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'knowledge_base%' AND relkind IN ('r', 'v')"
        ).fetchall()
        assert len(names) >= 8
        for (name,) in names:
            query = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(name))
            _silent(*(row for (row,) in session.execute(query)))


def _silent_files(folder: Path) -> None:
    for path in folder.rglob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            _silent(*connection.iterdump())


@pytest.mark.parametrize(
    ("shape", "source"),
    [
        ("userinfo", "option"),
        ("query", "file"),
        *(
            pytest.param(shape, source, marks=pytest.mark.slow)
            for shape, source in [
                ("userinfo", "environment"),
                ("userinfo", "file"),
                ("query", "option"),
                ("query", "environment"),
            ]
        ),
    ],
)
def test_a_run_with_rejects_keeps_the_password(
    corpus: Path, keeper: str, tmp_path: Path, shape: str, source: str
) -> None:
    url = keeper if shape == "userinfo" else _in_query(keeper)
    arguments, environ = ["run", str(corpus), *LOUD], {}
    match source:
        case "option":
            arguments += ["--to", url]
        case "environment":
            environ = {"BATCHWRIGHT_TO": url}
        case _:
            (tmp_path / "batchwright.toml").write_text(f'to = "{url}"\n')
    ended = _run(tmp_path, *arguments, **environ)
    assert ended.code == 3, ended.err  # done, with rejects
    _silent_tables(keeper)


def test_a_run_that_fails_keeps_the_password(corpus: Path, keeper: str, tmp_path: Path) -> None:
    wrong = keeper.replace(ENCODED, ENCODED + ENCODED)
    down = keeper.replace(f":{urlsplit(keeper).port}/", f":{free_port()}/")
    broken = keeper.replace(ENCODED, CANARY)  # not percent-encoded: no URL any more
    for url in (wrong, down, broken, _in_query(keeper) + "&nonsense=1", _in_query(down)):
        ended = _run(tmp_path, "run", str(corpus), "--to", url, *LOUD, BATCHWRIGHT_MAX_RETRIES="0")
        assert ended.code in (1, 2), ended
    ended = _run(tmp_path, "search", "word", "--to", wrong, "-vv")
    assert ended.code == 1


def test_a_lock_that_is_not_had_keeps_the_password(corpus: Path, keeper: str, tmp_path: Path) -> None:
    assert _run(tmp_path, "run", str(corpus), "--to", keeper).code == 3
    (corpus / "more.md").write_text("more\n")
    with psycopg.connect(keeper) as session:
        session.execute("LOCK TABLE knowledge_base_records IN SHARE MODE")
        ended = _run(
            tmp_path,
            *("run", str(corpus), "--to", f"{keeper}?lock_timeout=0.05", *LOUD),
            BATCHWRIGHT_MAX_RETRIES="1",
        )
    assert ended.code == 1
    assert "55P03" in ended.err
    _silent_tables(keeper)


@pytest.mark.parametrize(
    "place",
    [
        "write",
        "classify",
        *(
            pytest.param(place, marks=pytest.mark.slow)
            for place in ("init", "open", "reject", "retry", "size", "report")
        ),
    ],
)
def test_a_plugin_that_tells_its_url_is_not_repeated(corpus: Path, tmp_path: Path, place: str) -> None:
    for url in (f"leaky://user:{ENCODED}@host/kb", f"leaky://host/kb?password={ENCODED}"):
        environ: Mapping[str, str] = {
            "LEAK": place,
            "LEAKED_URL": url,
            "BATCHWRIGHT_MAX_RETRIES": "1",
            "BATCHWRIGHT_MAX_OUTAGE": "1",
            "BATCHWRIGHT_REPORTERS": "leaky,logging",
        }
        for flags in ((), ("-v",), LOUD):
            ended = _run(
                tmp_path,
                *("run", str(corpus), "--to", url, "--plugin", str(PLUGIN), *flags),
                **environ,
            )
            assert ended.code != 0 or place in ("size", "report")
    _silent_files(tmp_path)


def test_no_repr_tells_the_password(corpus: Path, keeper: str) -> None:
    for url in (keeper, _in_query(keeper)):
        config = BatchConfig(input_dir=corpus, to=url)
        manager = PluginManager.load()
        sink = manager.make_sink(config.to, config.sink)
        with DatabasePool(sink) as pool, pool.connection() as store:
            things = (
                config,
                BatchProcessor(config),
                sink,
                sink.options,
                sink.identity(),
                pool,
                store,
                store.ledger,
            )
            _silent(*map(repr, things), *map(str, things), repr(vars(sink)), repr(vars(store)))
