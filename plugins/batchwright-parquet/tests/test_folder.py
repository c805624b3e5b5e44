"""What is particular to Parquet: files for other readers, the manifest, compaction, locks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from batchwright_parquet import ParquetOptions, ParquetSink, compact, files, manifest, read
from batchwright_parquet import store as store_module
from batchwright_parquet.folder import borrow, give_back
from batchwright_parquet.layout import partition_folder
from batchwright_parquet.options import folder_of
from pydantic import SecretStr

from batchwright import Batch, ConfigError, Receipt, Run, SinkError
from batchwright.testing.records import sample
from batchwright.testing.scenario import A1, A2, B1, C1, FINAL, load, version
from tests.support.search_checks import check_search

pd: Any = pytest.importorskip("pandas")  # has no types of its own


def sink_of(root: Path, **values: Any) -> ParquetSink:
    return ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{root}"), **values))


def ids_of(root: Path) -> list[str]:
    found: list[Any] = read(root)["id"].to_pylist()
    return found


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    root = tmp_path / "kb"
    with sink_of(root).open() as store:
        load(store)
    return root


def test_pandas_polars_and_duckdb_read_the_folder_as_it_is(loaded: Path) -> None:
    glob, pair = f"{loaded}/data/**/*.parquet", ["id", "chunk_text"]
    frames = {
        "pandas": pd.read_parquet(loaded / "data")[pair].itertuples(index=False, name=None),
        "pandas, the whole folder": pd.read_parquet(loaded)[pair].itertuples(index=False, name=None),
        "polars": pl.read_parquet(glob).select(pair).iter_rows(),
        "duckdb": duckdb.execute(f"SELECT id, chunk_text FROM '{glob}'").fetchall(),
    }
    for reader, rows in frames.items():
        found = list(rows)
        assert dict(found) == FINAL, reader
        assert len(found) == len(FINAL), reader
    titles = f"SELECT DISTINCT metadata->>'title' FROM '{glob}' WHERE source_category = 'x'"
    [row] = duckdb.execute(f"{titles} AND chunk_index = 3").fetchall()
    assert row == ("a.md",)


def test_documents_of_a_category_share_a_folder(loaded: Path) -> None:
    assert {file.parent.name for file in files(loaded)} == {"x", "uncategorised"}
    assert partition_folder("guides") == "guides"
    assert partition_folder("Guides & Tips").startswith("guides-tips-")
    odd = ["", "../x", "a=b", "_x", ".x", "CON", "ü" * 300, "*", "\ud800", "x/y", None]
    assert all(set(partition_folder(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in odd)


def test_without_partitions_all_is_in_one_folder(tmp_path: Path) -> None:
    with sink_of(tmp_path / "kb", partition="none", compression="snappy").open() as store:
        load(store)
    assert {file.parent.name for file in files(tmp_path / "kb")} == {"data"}
    assert read(tmp_path / "kb", ["id"]).num_rows == len(FINAL)


def test_rows_that_wait_are_out_of_sight(tmp_path: Path) -> None:
    root = tmp_path / "kb"
    with sink_of(root).open() as store:
        store.write(Batch(list(C1.chunks[:2]), 0), Receipt("1", "run", "kit", begun=(C1.version,)))
        assert not list((root / "data").glob("**/*.parquet"))
        assert [holding.rows for holding in store.holdings()] == [2]


def test_a_new_version_takes_the_old_ones_place_in_its_file(tmp_path: Path) -> None:
    root = tmp_path / "kb"
    with sink_of(root).open() as store:
        store.write(
            Batch([*A1.chunks, *B1.chunks], 0),
            Receipt("1", "run", "kit", publications=(A1.publication(), B1.publication())),
        )
        before = files(root)
        again = A2.publication()
        store.write(Batch(list(A2.chunks), 1), Receipt("2", "run", "kit", publications=(again,)))
        assert files(root) == before


def test_compact_makes_few_files_of_many(tmp_path: Path) -> None:
    root = tmp_path / "kb"
    made = [version(f"{number:03}.md", 2, "x") for number in range(20)]
    with sink_of(root).open() as store:
        for number, one in enumerate(made):
            store.write(
                Batch(list(one.chunks), number),
                Receipt(str(number), "run", "kit", publications=(one.publication(),)),
            )
        before = sorted(ids_of(root))
        assert compact(root, rows=20) == (20, 2)
        assert compact(root, rows=20) == (2, 2)
        assert sorted(ids_of(root)) == before
        assert len(list((root / "data").glob("**/*.parquet"))) == 2
        newer = version("007.md", 3, "x")
        replaced = newer.publication()
        store.write(Batch(list(newer.chunks), 99), Receipt("99", "run", "kit", publications=(replaced,)))
    assert read(root).num_rows == 41
    with pytest.raises(SinkError, match="nothing is loaded"):
        compact(tmp_path / "none")


def test_a_torn_line_was_never_committed(loaded: Path) -> None:
    path = loaded / "_batchwright" / "manifest.jsonl"
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last + 1, len(whole), 7):
        path.write_bytes(whole[:cut])
        with sink_of(loaded, durable=False).open() as store:
            assert not store.ledger.committed("6")
            assert store.ledger.committed("5")
            store.write(Batch([], 0), Receipt(f"cut {cut}", "run", "kit"))
        with sink_of(loaded).open() as store:
            assert store.ledger.committed(f"cut {cut}")


def test_the_manifest_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "_SHORTEST", 10_000)
    root = tmp_path / "kb"
    sizes = []
    with sink_of(root, durable=False).open() as store, sink_of(root).open() as reader:
        load(store)
        for number in range(300):
            store.ledger.start_run(Run("run", "2026-01-01", "kit", source="x" * 200, account={"n": number}))
            sizes.append((root / "_batchwright" / "manifest.jsonl").stat().st_size)
        assert max(sizes) < 15_000
        [run] = reader.ledger.runs()
        assert run.account == {"n": 299}
    assert len(read(root)) == len(FINAL)


_WRITER = """
from batchwright import Batch, Receipt
from batchwright_parquet import *
sink = ParquetSink(ParquetOptions(url={url!r}, busy_timeout=0.1))
store = sink.open(); print(len(store.ledger.documents('kit')))
try:
    store.write(Batch([], 0), Receipt('x', 'run', 'kit'))
except Exception as error:
    print(error)
"""


def test_another_process_may_read_meanwhile_and_write_between_two_writes(loaded: Path) -> None:
    code = _WRITER.format(url=f"parquet:///{loaded}")

    def said() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.splitlines()

    with sink_of(loaded).open() as store:
        folder = borrow(loaded, durable=True)
        with folder.writing(5):
            assert said() == [
                "4",
                f"process {os.getpid()} is in the middle of a write into {loaded}; wait for it, or end it",
            ]
        give_back(folder)
        store.probe()
        assert said() == ["4"]
        assert store.ledger.committed("x")


def test_a_folder_holds_so_many_documents_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MOST_DOCUMENTS", 2)
    a, b, c = (sample(f"{name}.md") for name in "abc")

    def write(store: Any, name: str, *samples: Any, deleted: Any = ()) -> None:
        chunks = [chunk for one in samples for chunk in one.chunks]
        publications = tuple(one.publication() for one in samples)
        receipt = Receipt(name, "run", "kit", publications=publications, deleted=deleted)
        store.write(Batch(chunks, 0), receipt)

    with sink_of(tmp_path / "kb").open() as store:
        write(store, "1", a, b)
        with pytest.raises(SinkError, match=r"no room for more than 2 documents; .* another folder"):
            write(store, "2", c)
        write(store, "3", sample("a.md", 5, content="2"))
        write(store, "4", c, deleted=(("b.md", b.id),))
        assert [known.version.key for known in store.ledger.documents("kit")] == ["a.md", "c.md"]


def test_a_store_decides_on_what_another_process_committed_since(tmp_path: Path) -> None:
    root = tmp_path / "kb"
    with sink_of(root).open() as store:
        store.write(Batch(list(C1.chunks[:2]), 0), Receipt("1", "run", "kit", begun=(C1.version,)))
    code = (
        "from batchwright import Batch, Receipt; from batchwright_parquet import *\n"
        "from batchwright.testing.scenario import C1\n"
        f"with ParquetSink(ParquetOptions(url={f'parquet:///{root}'!r})).open() as store:\n"
        "    last = Receipt('2', 'run', 'kit', publications=(C1.publication(),))\n"
        "    store.write(Batch(list(C1.chunks[2:]), 0), last)\n"
    )
    with sink_of(root).open() as store:
        assert store.ledger.pending("kit") == [C1.version]
        subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
        store.write(Batch([], 0), Receipt("3", "run", "kit", discarded=(C1.id,)))
        assert ids_of(root) == [chunk.id for chunk in C1.chunks]
        assert (store.ledger.pending("kit"), len(store.ledger.documents("kit"))) == ([], 1)


def test_a_folder_of_another_layout_is_left_alone(loaded: Path) -> None:
    path = loaded / "_batchwright" / "manifest.jsonl"
    whole = path.read_bytes()
    for layout, advice in ((1, "load the documents anew"), (99, "update batchwright-parquet")):
        path.write_bytes(whole.replace(b'parquet": 2', b'parquet": %d' % layout, 1))
        with pytest.raises(SinkError, match=advice):
            sink_of(loaded).open()


def test_a_store_that_may_create_nothing_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="load something into it first"):
        sink_of(tmp_path / "kb").open(create=False)
    assert not (tmp_path / "kb").exists()
    sink_of(tmp_path / "kb").open().close()
    with sink_of(tmp_path / "kb").open(create=False) as store:
        assert store.ledger.documents("kit") == []


def test_rows_of_a_discarded_version_in_a_file_of_others_are_not_held(tmp_path: Path) -> None:
    with sink_of(tmp_path / "kb").open() as store:
        some = [*B1.chunks[:1], *C1.chunks[:2]]
        store.write(Batch(some, 0), Receipt("1", "run", "kit", begun=(B1.version, C1.version)))
        store.write(Batch([], 1), Receipt("2", "run", "kit", discarded=(C1.id,)))
        store.write(Batch(list(C1.chunks[2:3]), 2), Receipt("3", "run", "kit", begun=(C1.version,)))
        held = {holding.document_id: holding.rows for holding in store.holdings()}
        assert held == {B1.id: 1, C1.id: 1}


def test_files_that_are_gone_are_missed(loaded: Path) -> None:
    lost = files(loaded)[0]
    rows: list[Any] = pq.ParquetFile(lost).read().to_pylist()
    gone = {row["id"][:28] for row in rows}
    lost.unlink()
    with sink_of(loaded).open() as store:
        held = {holding.document_id[:28] for holding in store.holdings()}
        known = {known.version.document_id[:28] for known in store.ledger.documents("kit")}
        assert known - held == gone


def test_a_folder_that_is_gone_is_noticed(loaded: Path, tmp_path: Path) -> None:
    with sink_of(loaded).open() as store:
        store.probe()
        loaded.rename(tmp_path / "elsewhere")
        with pytest.raises(SinkError, match="removed while it was open"):
            store.probe()


def test_a_folder_that_can_not_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError, match="choose another"):
        sink_of(tmp_path / "file" / "kb").open()
    (tmp_path / "alien" / "_batchwright").mkdir(parents=True)
    (tmp_path / "alien" / "_batchwright" / "manifest.jsonl").write_text("{}\n")
    with pytest.raises(SinkError, match="no manifest"):
        sink_of(tmp_path / "alien").open()


def test_search_looks_through_the_texts(tmp_path: Path) -> None:
    with sink_of(tmp_path / "kb").open() as store:
        check_search(store)


@pytest.mark.parametrize("url", ["parquet://host/kb", "parquet:///", "parquet:///a?b=1", "parquet:///a#b"])
def test_urls_that_name_no_folder_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"names (no|a) f|unknown parameters|'#'|must be a file"):
        folder_of(ParquetOptions(url=SecretStr(url)))


def test_options_are_checked() -> None:
    for wrong in ({"partition": "day"}, {"compression": "rar"}, {"busy_timeout": -1}, {"x": 1}):
        with pytest.raises(ConfigError):
            ParquetOptions.model_validate({"url": "parquet:///kb", **wrong})


def test_starting_batchwright_does_not_load_arrow() -> None:
    code = "import batchwright_parquet, sys; print('pyarrow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
