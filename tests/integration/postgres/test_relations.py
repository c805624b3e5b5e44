"""Commands that read, and `Target`, look at every relation of a target; SQLite and Postgres alike."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import BaseModel

from batchwright import BatchConfig, BatchProcessor, ConfigError, SinkError, Target
from batchwright.builtin.sqlite.options import database_path
from batchwright.cli.main import execute


class Order(BaseModel):
    """Records without a text."""

    id: int
    item: str


class Review(BaseModel):
    """Records with a text."""

    id: int
    body: str


@dataclass
class Shop:
    """A target, and the command on it."""

    url: str
    capsys: pytest.CaptureFixture[str]
    code: int = 0
    out: str = ""
    err: str = ""

    def at(self, **query: str) -> str:
        """The URL with options."""
        more = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self.url}{'&' if '?' in self.url else '?'}{more}" if more else self.url

    def load(self, records: list[BaseModel], *, text: str | None = None, **query: str) -> None:
        """Load a program's records."""
        config = BatchConfig(to=self.at(**query), reporters=(), max_retries=0)
        BatchProcessor(config).load(records, record=type(records[0]), text=text)

    def run(self, folder: str = "docs", **query: str) -> None:
        """Load a folder."""
        assert execute(["run", folder, "--to", self.at(**query), "-q"]) == 0

    def says(self, *command: str, to: str = "") -> Shop:
        """Run a command."""
        self.capsys.readouterr()
        self.code = execute([*command, "--to", to or self.url])
        self.out, self.err = self.capsys.readouterr()
        return self

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    def do(self, statement: str) -> None:
        """Change the database by hand."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(database_path(self.url), isolation_level=None)) as connection:
                connection.execute(statement)
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(statement.encode())


@pytest.fixture(params=["sqlite", "postgres"])
def shop(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shop:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "guide.md").write_text("# Guide\n\nInstall it on Linux.\n")
    if request.param == "sqlite":
        return Shop(f"sqlite:///{tmp_path}/shop.db", capsys)
    return Shop(request.getfixturevalue("postgres_url"), capsys)


@pytest.fixture
def both(shop: Shop) -> Shop:
    """Chunks of a folder, and orders of a program, of which the third is a reject, and so not published."""
    shop.run()
    bad = Order.model_construct(id=3, item=None)
    shop.load([Order(id=1, item="pear"), Order(id=2, item="plum"), bad])
    return shop


def test_status_and_collections_are_of_every_relation(both: Shop) -> None:
    held = {("knowledge_base", "docs"): (1, 1, 0), ("order", "order"): (2, 2, 1)}
    now = both.says("status", "--json").json
    assert (both.code, now["published"], now["rejects"], now["unreadable"]) == (0, 3, 1, {})
    assert (now["last_run"]["relation"], now["last_run"]["collection"]) == ("knowledge_base", "docs")
    for listed in (now["collections"], both.says("collections", "list", "--json").json["collections"]):
        found = {
            (one["relation"], one["name"]): (one["published"], one["records"], one["rejects"])
            for one in listed
        }
        assert found == held
    assert "order: order: 2 documents, 2 records" in both.says("status").out
    heading, *rows = both.says("collections", "list").out.splitlines()
    assert heading.split()[:3] == ["COLLECTION", "RELATION", "DOCUMENTS"]
    assert [row.split()[1] for row in rows] == ["knowledge_base", "order"]


def test_one_relation_alone_shows_no_names_of_relations(shop: Shop) -> None:
    shop.load([Order(id=1, item="pear")])
    assert "RELATION" not in shop.says("collections", "list").out
    assert "  order: 1 document," in shop.says("status").out
    assert shop.says("status", "--json").json["collections"][0]["relation"] == "order"


@pytest.mark.parametrize("narrow", [("--table", "order"), ("--collection", "order")])
def test_a_table_or_a_collection_narrows(both: Shop, narrow: tuple[str, str]) -> None:
    now = both.says("status", "--json", *narrow).json
    assert [(one["relation"], one["name"]) for one in now["collections"]] == [("order", "order")]
    assert (now["records"], now["last_run"]) == (2, None)
    assert [line["relation"] for line in both.says("rejects", "list", "--json", *narrow).lines] == ["order"]
    assert both.says("runs", "--json", *narrow).json["runs"] == []
    assert both.says("verify", "--json", *narrow).json["rows"] == 2
    assert both.says("rejects", "list", "--table", "knowledge_base").out == ""


def test_a_relation_or_collection_that_is_not_there_is_a_mistake_that_names_those_that_are(
    both: Shop,
) -> None:
    assert both.says("status", "--table", "orders").code == 2
    assert "there is no relation orders in" in both.err
    assert "its relations: knowledge_base, order" in both.err
    assert both.says("status", "--collection", "none").code == 2
    assert "its collections: docs, order" in both.err


def test_runs_are_those_of_all_relations_the_latest_first(shop: Shop) -> None:
    for table in ("a", "b", "a"):
        shop.run(table=table)
    found = shop.says("runs", "--json").json["runs"]
    assert [run["relation"] for run in found] == ["a", "b", "a"]
    assert [run["relation"] for run in shop.says("runs", "--limit", "2", "--json").json["runs"]] == ["a", "b"]
    assert [line.split()[1] for line in shop.says("runs").out.splitlines()] == ["RELATION", "a", "b", "a"]


def test_a_collection_of_one_name_in_two_relations_has_to_be_chosen_by_its_table(shop: Shop) -> None:
    shop.run(table="a")
    shop.run(table="b")
    for command in (
        *(["status"], ["search", "guide"], ["rejects", "list"], ["rejects", "replay"], ["runs"], ["verify"]),
        ["verify", "--repair"],
    ):
        assert shop.says(*command, "--collection", "docs").code == 2, command
        assert "the collection docs is in several relations of" in shop.err
        assert "a, b; choose one: --table NAME" in shop.err
        assert shop.says(*command, "--collection", "docs", "--table", "a").code == 0, (command, shop.err)
    assert shop.says("collections", "delete", "docs").code == 2
    assert "--table NAME" in shop.err
    assert shop.says("collections", "delete", "docs", "--table", "a").code == 0
    assert [one["relation"] for one in shop.says("collections", "list", "--json").json["collections"]] == [
        "b"
    ]
    assert shop.says("collections", "delete", "docs").code == 0, "now there is one of this name only"
    assert len(shop.says("runs", "--collection", "docs", "--json").json["runs"]) == 2, "runs stay on record"


def test_search_finds_what_has_a_text_and_says_where(both: Shop) -> None:
    [hit] = both.says("search", "install", "--json").json["hits"]
    assert (hit["relation"], hit["key"]) == ("knowledge_base", "guide.md")
    both.run(table="copy")
    assert [hit["relation"] for hit in both.says("search", "install", "--json").json["hits"]] in (
        ["copy", "knowledge_base"],
        ["knowledge_base", "copy"],
    )
    assert len(both.says("search", "install", "--limit", "1", "--json").json["hits"]) == 1
    assert "copy: docs: guide.md" in both.says("search", "install").out


def test_search_over_several_record_types_is_refused_with_the_way_on(both: Shop) -> None:
    both.load([Review(id=1, body="Install it twice.")], text="body")
    assert both.says("search", "install").code == 2
    assert "knowledge_base (processed_chunk), review (review); choose one: --table NAME" in both.err
    [hit] = both.says("search", "install", "--table", "review", "--json").json["hits"]
    assert hit["key"] == "1"
    assert both.says("search", "install", "--collection", "docs").code == 0


def test_rejects_of_several_relations_are_listed_shown_and_dropped(both: Shop) -> None:
    both.load([Review.model_construct(id=7, body=None)], text="body")
    listed = both.says("rejects", "list", "--json").lines
    assert [(one["relation"], one["key"]) for one in listed] == [("order", "3"), ("review", "7")]
    heading, *rows = both.says("rejects", "list").out.splitlines()
    assert heading.split()[1] == "RELATION"
    assert [row.split()[1] for row in rows] == ["order", "review"]
    assert both.says("rejects", "show", listed[1]["id"]).code == 0
    assert "review" in both.out
    assert both.says("rejects", "drop", listed[0]["id"][:13], "--json").json["dropped"] == 1
    assert both.says("rejects", "drop", "--all", "--json").json["dropped"] == 1
    assert both.says("rejects", "list", "--json").out == ""


def test_replay_of_one_type_goes_on_and_of_several_is_refused(both: Shop) -> None:
    fixed = both.says("rejects", "list", "--json").lines
    fixed[0]["payload"]["item"] = "quince"
    Path("fixed.jsonl").write_text(json.dumps(fixed[0]))
    both.load([Review.model_construct(id=7, body=None)], text="body")
    replay = ("rejects", "replay", "--from", "fixed.jsonl", "--json")
    assert both.says(*replay).code == 2
    assert "order (order), review (review); choose one: --table NAME" in both.err
    assert both.says("rejects", "drop", "--all", "--table", "review", "--json").json["dropped"] == 1
    assert (both.says(*replay).code, both.json["stored"]) == (0, 1), "only one relation has rejects now"
    assert (
        both.says("collections", "list", "--table", "order", "--json").json["collections"][0]["records"] == 3
    )


def test_the_same_reject_in_two_relations_has_to_be_chosen_by_its_table(shop: Shop) -> None:
    bad = Order.model_construct(id=3, item=None)
    for table in ("a", "b"):
        shop.load([bad], table=table)
    first, second = shop.says("rejects", "list", "--json").lines
    assert first["id"] == second["id"]
    assert shop.says("rejects", "show", first["id"][:8]).code == 2
    assert "is in several relations: a, b; choose one: --table NAME" in shop.err
    assert shop.says("rejects", "drop", first["id"], "--table", "b", "--json").json["dropped"] == 1
    assert [one["relation"] for one in shop.says("rejects", "list", "--json").lines] == ["a"]


def test_verify_compares_every_relation_and_repairs_those_of_one_type(shop: Shop) -> None:
    shop.run(table="a")
    shop.run(table="b")
    for table in ("a", "b"):
        shop.do(f"DELETE FROM {table}_records")
    found = shop.says("verify", "--json").json
    assert (shop.code, found["documents"]) == (1, 2)
    assert [(one["relation"], one["fault"]) for one in found["findings"]] == [("a", "lost"), ("b", "lost")]
    assert "b: docs: guide.md: 0 of 1 rows" in shop.says("verify").out
    assert (shop.says("verify", "--repair", "--json").code, shop.json["repaired"]) == (0, 2)
    assert shop.says("verify").code == 0


def test_repair_of_several_types_is_refused_before_anything_is_repaired(both: Shop) -> None:
    both.do("DELETE FROM knowledge_base_records")
    assert both.says("verify", "--json").json["found"] == 1
    assert both.says("verify", "--repair").code == 2
    assert "verify --repair takes records of one type" in both.err
    assert both.says("verify", "--json").json["found"] == 1
    assert both.says("verify", "--repair", "--table", "knowledge_base").code == 0
    assert both.says("verify").code == 0


def test_a_relation_of_an_older_layout_is_named_and_the_others_are_shown(both: Shop) -> None:
    both.do("UPDATE order_meta SET value = '1' WHERE key = 'layout'")
    now = both.says("status", "--json").json
    assert [one["name"] for one in now["collections"]] == ["docs"]
    assert "layout" in now["unreadable"]["order"]
    assert (both.code, now["exit_code"]) == (1, 1)
    assert "warning: the relation order is left out: " in both.err
    for command in (["collections", "list"], ["runs"], ["rejects", "list"], ["search", "guide"], ["verify"]):
        assert both.says(*command).code == 1, command
        assert "the relation order is left out" in both.err
    assert both.says("collections", "delete", "docs").code == 1
    assert "order may have a collection docs, too" in both.err
    assert both.says("status", "--table", "knowledge_base").code == 0
    assert both.says("status", "--table", "order").code == 1
    assert both.says("collections", "delete", "docs", "--table", "knowledge_base").code == 0
    both.do("UPDATE knowledge_base_meta SET value = '1' WHERE key = 'layout'")
    assert both.says("status").code == 1, "none can be read"


def test_a_target_without_a_relation_has_nothing_loaded(shop: Shop) -> None:
    shop.do('CREATE TABLE "other_meta" (x INTEGER)')
    for command in (["status"], ["search", "x"], ["status", "--table", "none"]):
        assert shop.says(*command).code == 1
        assert "nothing is loaded" in shop.err
    with pytest.raises(SinkError, match="nothing is loaded"):
        Target(shop.url).open()


@pytest.mark.parametrize("name", ['we"ird table', "Größe", "a.b", "%s_meta", "select"])
def test_a_name_that_needs_quoting_is_found_and_chosen(shop: Shop, name: str) -> None:
    with BatchProcessor(
        BatchConfig(source="docs", to=shop.url, reporters=(), sink=_table(name))
    ) as processor:
        assert processor.run().state == "done"
    shop.load([Order(id=1, item="pear")])
    with Target(shop.url) as target:
        assert sorted(map(str, target.relations)) == sorted([name, "order"])
    assert shop.says("status", "--table", name, "--json").json["collections"][0]["relation"] == name
    assert shop.says("search", "guide").code == 0


def _table(name: str) -> dict[str, dict[str, str]]:
    return {"sqlite": {"table": name}, "postgres": {"table": name}}


def test_a_table_in_the_url_is_the_only_relation(both: Shop) -> None:
    with Target(both.at(table="order")) as target:
        assert target.relations == ["order"]
        assert [one.name for one in target.collections()] == ["order"]
    with pytest.raises(ConfigError, match="there is no relation knowledge_base"):
        Target(both.at(table="order"), table="knowledge_base").open()


def test_plan_and_run_look_at_the_relation_of_chunks(both: Shop) -> None:
    assert both.says("plan", "docs", "--json").json["documents"]["unchanged"] == 1
    refusals = []
    for command in ("plan", "run"):
        assert both.says(command, "docs", to=both.at(table="order")).code == 2
        refusals.append(both.err.partition("holds records of the type order, not processed_chunk")[1])
    assert all(refusals)


def test_a_program_gets_the_relation_with_everything(both: Shop) -> None:
    with Target(both.url) as target:
        assert target.relations == ["knowledge_base", "order"]
        assert [known.version.key for known in target.documents()] == ["guide.md", "1", "2"]
        assert target.document("2") is not None
        assert target.document("2", collection="docs") is None
        [reject] = target.rejects()
        assert (reject.relation, target.record_type(reject.relation).name) == ("order", "order")
        assert target.reject(reject.id) == reject
        with pytest.raises(ConfigError, match="name one: --table NAME"):
            target.record_type()
        [result] = target.replay([reject])
        assert result.fate.value == "left"
        assert (list(target.verify()), target.busy(), target.unreadable) == ([], [], {})
        assert target.drop(target.rejects()) == 1
        assert target.delete_collection("order").records == 2
        assert [one.relation for one in target.collections()] == ["knowledge_base"]
    with Target(both.url, table="order") as target:
        assert target.record_type().name == "order"


def test_a_collection_in_the_settings_narrows_a_program(both: Shop) -> None:
    with Target(BatchConfig(to=both.url, collection="order")) as target:
        assert [one.relation for one in target.collections()] == ["order"]
        assert [reject.key for reject in target.rejects()] == ["3"]
        assert [known.version.key for known in target.documents()] == ["1", "2"]


def test_in_postgres_the_relations_are_those_of_one_schema(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shop = Shop(postgres_url, capsys)
    shop.do("CREATE SCHEMA other")
    shop.load([Order(id=1, item="pear")])
    shop.load([Review(id=1, body="It is good.")], schema="other")
    with Target(shop.url) as here, Target(shop.at(schema="other")) as there:
        assert (here.relations, there.relations) == (["order"], ["review"])
    with pytest.raises(SinkError, match="does not exist"):
        Target(shop.at(schema="none")).open()


def test_in_postgres_a_relation_that_the_role_may_not_read_is_named(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shop = Shop(postgres_url, capsys)
    shop.load([Order(id=1, item="pear")])
    shop.load([Review(id=1, body="It is good.")], text="body")
    role = f"reader_{uuid4().hex[:8]}"
    head, _, rest = postgres_url.partition("://")
    reader = f"{head}://{role}:secret@{rest.rpartition('@')[2]}"
    quoted = sql.Identifier(role)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(quoted))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(quoted))
        connection.execute(sql.SQL("REVOKE ALL ON order_meta FROM {}").format(quoted))
    try:
        now = shop.says("status", "--json", to=reader).json
        assert (shop.code, [one["relation"] for one in now["collections"]]) == (1, ["review"])
        assert "order" in now["unreadable"]
        assert "secret" not in shop.out + shop.err
        assert shop.says("status", "--table", "order", to=reader).code == 1
        with Target(reader) as target:
            assert len(target.search("good")) == 1
            assert list(target.unreadable) == ["order"]
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(quoted))
