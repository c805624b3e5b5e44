"""Files of rows, loaded: each row is added, changed, left alone or refused by itself, and accounted for."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import BaseModel

from batchwright import (
    BatchConfig,
    BatchProcessor,
    ConfigError,
    Target,
)
from batchwright.errors import SourceError
from tests.unit.engine.rows.fruit import TO, load, rejects, rows, states, write

HEAD = "id,name,amount\n"


class Fruit(BaseModel):
    """What rows are validated by."""

    id: int
    name: str
    amount: float | None = None


def test_each_row_is_added_changed_left_alone_and_gone_by_itself() -> None:
    write(HEAD + "1,apple,1.50\n2,pear,\n3,fig,3\n")
    assert states(load()) == {"added": 3}
    assert rows() == [(1, "apple", "1.5"), (2, "pear", None), (3, "fig", "3")]
    assert states(load()) == {"unchanged": 3}
    write(HEAD + "3,fig,3\n1,apple,2\n4,kiwi,4\n")
    assert states(load(prune=True)) == {"added": 1, "changed": 1, "unchanged": 1, "deleted": 1}
    assert rows() == [(1, "apple", "2"), (3, "fig", "3"), (4, "kiwi", "4")]


def test_a_bad_line_leaves_the_row_of_its_key_and_is_rejected_once() -> None:
    write(HEAD + "1,apple,1\n2,pear,2\n")
    load()
    write(HEAD + "1,apple\n2,pear,2\n")
    first = load(prune=True)
    assert states(first) == {"refused": 1, "unchanged": 1}
    assert first.account.records.rejected == 1
    assert first.exit_code == 3
    assert rows() == [(1, "apple", 1), (2, "pear", 2)]
    assert rejects() == [("1", "line 2: 2 fields instead of 3: 1 missing")]
    again = load(prune=True)
    assert states(again) == {"refused": 1, "unchanged": 1}
    assert again.account.batches == 0
    write(HEAD + "1,apple,5\n2,pear,2\n")
    assert states(load()) == {"changed": 1, "unchanged": 1}
    assert rejects() == []
    assert rows()[0] == (1, "apple", 5)


def test_a_bad_line_that_is_back_to_what_is_published_leaves_the_rejects() -> None:
    write(HEAD + "1,apple,1\n")
    load()
    write(HEAD + "1,apple\n")
    load()
    write(HEAD + "1,apple,1\n")
    assert load().exit_code == 0
    assert rejects() == []


def test_lines_without_a_key_are_named_by_their_place_and_nothing_is_gone_beside_them() -> None:
    write(HEAD + "1,apple,1\n2,pear,2\n")
    load()
    write(HEAD + "1,apple,1\n,,,,\n")
    result = load(prune=True)
    assert states(result) == {"unchanged": 1, "failed": 2}
    assert rejects() == [("fruit.csv:3", "line 3: 5 fields instead of 3: 2 too many")]
    assert len(rows()) == 2
    write(HEAD + "1,apple,1\n")
    assert states(load(prune=True)) == {"unchanged": 1, "deleted": 1}
    assert rejects() == []


def test_rows_with_one_key_are_refused_and_name_each_other() -> None:
    write(HEAD + "1,apple,1\n2,a,1\n2,b,1\n")
    result = load()
    assert states(result) == {"added": 1, "refused": 1}
    assert result.account.records.rejected == 2
    assert [message.partition(":")[0] for _, message in rejects()] == [
        "line 3 has the key of line 4",
        "line 4 has the key of line 3",
    ]
    assert states(load()) == {"unchanged": 1, "refused": 1}
    assert states(load(on_duplicate="last")) == {"unchanged": 1, "added": 1}
    assert rows(columns="id, name") == [(1, "apple"), (2, "b")]
    assert rejects() == []


def test_the_same_row_again_is_loaded_once_and_counted() -> None:
    write(HEAD + "1,apple,1\n1,apple,1\n1,apple,1\n")
    result = load()
    assert states(result) == {"added": 1}
    assert result.account.left_out == {"same row again": 2}


def test_a_value_that_does_not_fit_the_target_is_refused_and_named() -> None:
    write("id,count\n1,5\n2,6\n")
    load()
    write("id,count\n1,5\n2,many\n3,7\n")
    assert states(load()) == {"unchanged": 1, "refused": 1, "added": 1}
    [(key, message)] = rejects()
    assert key == "2"
    assert message.startswith(
        "line 3: count is integer, and 'many' is none; fix the row, or say another type"
    )
    assert rows(columns="id, count") == [(1, 5), (2, 6), (3, 7)]


def test_leading_zeros_stay_where_the_target_holds_numbers() -> None:
    write("id,zip\n1,5\n")
    load()
    write("id,zip\n1,5\n2,05\n")
    assert states(load()) == {"unchanged": 1, "refused": 1}
    assert "it would be given back as another text" in rejects()[0][1]


def test_types_can_be_said() -> None:
    write("id,zip,paid\n007,5,yes\n")
    load(types={"id": "integer", "zip": "text", "paid": "boolean"})
    assert rows(columns="id, zip, paid") == [(7, "5", 1)]
    with pytest.raises(ConfigError, match="types: zip = 'zipcode' is no type"):
        load(types={"zip": "zipcode"})
    with pytest.raises(ConfigError, match="types: there is no column zap; there are id, zip, paid"):
        load(types={"zap": "text"})


def test_a_new_column_is_added_ignored_or_an_error() -> None:
    write("id,name\n1,a\n2,b\n")
    load()
    write("id,name,colour\n1,a,red\n2,b,\n")
    with pytest.raises(ConfigError, match="colour is new"):
        load(on_new_field="fail")
    assert states(load(on_new_field="ignore")) == {"unchanged": 2}
    assert states(load()) == {"changed": 1, "unchanged": 1}
    assert rows(columns="id, colour") == [(1, "red"), (2, None)]


def test_a_column_that_is_gone_is_null_where_it_may_be() -> None:
    write("id,name,note\n1,a,x\n2,b,\n")
    load()
    write("id,name\n1,a\n2,b\n")
    assert states(load()) == {"changed": 1, "unchanged": 1}
    assert rows(columns="id, name, note") == [(1, "a", None), (2, "b", None)]


def test_a_model_validates_the_rows_and_its_errors_name_the_field() -> None:
    write(HEAD + "1,apple,1.5\n2,pear,\n3,fig,many\n")
    result = load(record=f"{__name__}:Fruit")
    assert states(result) == {"added": 2, "refused": 1}
    assert rows() == [(1, "apple", 1.5), (2, "pear", None)]
    [(key, message)] = rejects()
    assert key == "3"
    assert message.startswith("line 4: amount: Input should be a valid number")
    Path("models.py").write_text(
        "from pydantic import BaseModel\n\nclass Fig(BaseModel):\n    id: int\n    name: str\n"
    )
    write("id,name\n1,fig\n", "figs.csv")
    assert states(load("figs.csv", record="models.py:Fig", collection="figs")) == {"added": 1}
    assert rows("fig", "id, name") == [(1, "fig")]
    with pytest.raises(ConfigError, match="record: nowhere:Fruit can't be imported: ModuleNotFoundError"):
        load(record="nowhere:Fruit")


def test_lines_of_json_are_rows() -> None:
    write(
        '{"id": 1, "name": "apple", "tags": ["a"], "price": 1.5}\n'
        '{"id": 2, "name": "pear", "price": 12345678901234567.25}\n'
        '{"id": "2", "name": null}\n{"id": 3, "na',
        "fruit.jsonl",
    )
    result = load("fruit.jsonl")
    assert states(result) == {"added": 1, "refused": 2}
    assert [key for key, _ in rejects()] == ["2", "2", "3"]
    write(
        '{"id": 1, "name": "apple", "tags": ["a"], "price": 1.5}\n{"id": 2, "name": "pear"}\n', "fruit.jsonl"
    )
    assert states(load("fruit.jsonl")) == {"unchanged": 1, "added": 1}
    assert rows(columns="id, name, tags") == [("1", "apple", '["a"]'), ("2", "pear", None)]


def test_several_files_are_one_table_and_a_row_that_moves_is_the_same() -> None:
    write(HEAD + "1,apple,1\n2,pear,2\n", "in/a.csv")
    write(HEAD + "3,fig,3\n", "in/b.csv")
    write("# no row", "in/c.md")
    write("x", "in/d.bin")
    assert states(load("in")) == {"added": 3}
    write(HEAD + "1,apple,1\n", "in/a.csv")
    write(HEAD + "2,pear,2\n3,fig,3\n", "in/b.csv")
    assert states(load("in", prune=True)) == {"unchanged": 3}
    Path("in/b.csv").unlink()
    assert states(load("in", prune=True, prune_limit=1.0)) == {"unchanged": 1, "deleted": 2}


def test_files_with_other_columns_are_refused() -> None:
    write(HEAD + "1,apple,1\n", "in/a.csv")
    write("id,colour\n3,red\n", "in/b.csv")
    with pytest.raises(
        ConfigError, match=r"a\.csv and b\.csv hold different rows: only one of them has amount"
    ):
        load("in")


def test_a_file_that_can_not_be_read_keeps_its_rows() -> None:
    write(HEAD + "1,apple,1\n", "in/a.csv")
    write(HEAD + "2,pear,2\n", "in/b.csv")
    load("in")
    Path("in/b.csv").write_bytes(b"\xff\xff,\n")
    result = load("in", prune=True)
    assert states(result) == {"unchanged": 1, "failed": 2}
    assert len(rows("in", "id")) == 2


def test_a_wrong_format_stores_no_flood_of_rejects() -> None:
    write("id\tname\n" + "".join(f"{n}\tapple\n" for n in range(2_000)))
    with pytest.raises(
        SourceError, match=r"2,001 of 2,001 rows can't be read, more than max_rejects \(0\.1\)"
    ):
        BatchProcessor(
            BatchConfig(
                source="fruit.csv",
                to=TO,
                key="id",
                reporters=(),
                reader={"csv": {"delimiter": "\t", "columns": ("id", "name", "x")}},
            )
        ).run()
    assert not Path("kb.db").exists()


def test_a_file_without_a_row_makes_no_table() -> None:
    write(HEAD + "1,apple\n")
    with pytest.raises(
        SourceError, match=r"there is no row in 1 line; the first: fruit\.csv line 2: 2 fields"
    ):
        load()
    assert not Path("kb.db").exists()


def test_a_key_has_to_be_said_and_be_there() -> None:
    write(HEAD)
    with pytest.raises(ConfigError, match="there are no rows in fruit"):
        load()
    write(HEAD + "1,a,2\n")
    with pytest.raises(ConfigError, match="key: say which column names a row, as in --key id"):
        load(key=None, chunk="name")
    with pytest.raises(ConfigError, match="key: there is no column no; the columns are id, name, amount"):
        load(key="no")


def test_the_plan_is_what_the_run_does() -> None:
    write(HEAD + "1,apple,01\n2,pear,2\n3,fig\n")
    config = BatchConfig(source="fruit.csv", to=TO, key="id", reporters=())
    plan = Target(config).plan()
    assert (plan.added, plan.refused, plan.records) == (2, 1, 2)
    assert plan.columns == {"id": "integer", "name": "text, nullable", "amount": "text, nullable"}
    assert plan.notes == ["amount: text, 1 of 2 has leading zeros"]
    load()
    write(HEAD + "1,apple,01\n2,pear,3\n3,fig\n")
    plan = Target(config).plan()
    assert (plan.changed, plan.unchanged, plan.refused) == (1, 1, 1)


def test_a_column_is_cut_into_chunks_and_the_others_are_metadata() -> None:
    long = "A sentence about fruit. " * 200
    write(f'id,title,text,colour\na1,Apple,"{long}",red\nb2,Pear,short,\n')
    result = load(chunk="text", heading="title")
    assert states(result) == {"added": 2}
    assert result.account.records.written > 2
    with closing(sqlite3.connect("kb.db")) as database, database:
        columns = "source_file, context_header, metadata, chunk_text"
        query = f"SELECT {columns} FROM knowledge_base WHERE source_file = 'b2'"
        [found] = database.execute(query).fetchall()
    assert found[0] == "b2"
    assert found[1] == "b2 > Pear"
    assert json.loads(found[2]) == {"id": "b2", "title": "Pear"}
    assert found[3] == "short"
    assert states(load(chunk="text", heading="title")) == {"unchanged": 2}
    write("id,title,text,colour\nb2,Pear,shorter,\nc3\n")
    assert states(load(chunk="text", heading="title", prune=True)) == {
        "changed": 1,
        "refused": 1,
        "deleted": 1,
    }
    with pytest.raises(
        ConfigError, match="chunk: there is no column body; the columns are id, title, text, colour"
    ):
        load(chunk="body")


def test_a_program_writes_rows_a_thousand_at_a_time() -> None:
    write("id,name\n" + "".join(f"{n},x\n" for n in range(2_500)))
    assert load().account.batches == 3


def test_a_program_loads_records_of_its_own_in_large_batches() -> None:
    records = ({"id": n, "name": "x"} for n in range(2_500))
    with BatchProcessor(BatchConfig(to=TO, reporters=())) as processor:
        result = processor.load(records, record=Fruit, key="id")
    assert result.account.batches < 25  # how many come isn't known at first


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_header_that_is_repeated_is_a_reject_and_hides_no_row(mark: str) -> None:
    header = "id, name\n"
    write(f"{header}1,apple\n{mark}{header}2,pear\n3,name\n")
    assert states(load(types={"id": "integer"})) == {"added": 3, "failed": 1}
    assert rows(columns="id, name") == [(1, "apple"), (2, "pear"), (3, "name")]
    assert [message.partition(",")[0] for _, message in rejects()] == [
        "line 3: it repeats the names of the columns"
    ]
    write(f"{header}1,apple\n{mark}{header}")
    assert states(load(prune=True, prune_limit=1.0)) == {"unchanged": 1, "failed": 1, "deleted": 2}


def test_a_word_of_a_list_may_be_the_name_of_its_column() -> None:
    write("id\nother\nid\n")
    assert states(load()) == {"added": 2}


def test_a_header_that_is_repeated_among_rows_without_a_key_is_a_reject() -> None:
    write("a,b\n1,2\na,b\n3,4\n")
    result = load(key=None)
    assert (result.account.records.written, result.account.records.rejected) == (2, 1)
    assert rows(columns="a, b", order="a") == [(1, 2), (3, 4)]


@pytest.mark.parametrize("key", ["name", None])
def test_another_key_than_before_is_refused_and_both_are_named(key: str | None) -> None:
    write("id,name\n1,apple\n")
    load()
    with pytest.raises(ConfigError, match=f"id is its key, not {key or 'none'}; "):
        load(key=key)


def test_a_key_of_several_columns_is_refused() -> None:
    write("id,name\n1,apple\n")
    with pytest.raises(ConfigError, match="no column id,name; a key is one column; the columns are id, name"):
        load(key="id,name")


def test_keys_that_are_nearly_alike_are_several() -> None:
    write("id,name\na,1\nA,2\n a,3\na ,4\n\u00e9,5\ne\u0301,6\n")
    assert states(load()) == {"added": 6}
    write("id,name\na,1\nA,2\n a,3\na ,4\n\u00e9,5\ne\u0301,7\n")
    assert states(load()) == {"unchanged": 5, "changed": 1}


def test_files_of_any_names_share_a_table_that_is_named() -> None:
    write("id,name\n1,apple\n", "january.csv")
    write("id,name\n1,pear\n", "february.csv")
    for month in ("january", "february"):
        assert states(load(f"{month}.csv", to=f"{TO}?table=fruit")) == {"added": 1}
    assert rows(columns="_collection, name", order="name") == [("january", "apple"), ("february", "pear")]
    assert states(load("january.csv", to=f"{TO}?table=fruit", prune=True)) == {"unchanged": 1}
