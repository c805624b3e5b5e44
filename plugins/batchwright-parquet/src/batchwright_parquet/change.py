"""One commit, put together: which files are written anew, which go, and where each document is then.

Every published document is whole and in one file. A new version takes the old one's place *in its file*,
which is written anew beside and then renamed over: a reader of that file sees the one or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from batchwright_parquet.layout import DATA, PENDING, STAGING, partition_folder
from batchwright_parquet.manifest import Manifest, Op
from batchwright_parquet.options import ParquetOptions
from batchwright_parquet.outcome import Changes, Outcome
from batchwright_parquet.tables import (
    document_ids,
    merged,
    of_documents,
    pieces,
    read_file,
    texts,
    without_documents,
    write_file,
)

_CATEGORY = "source_category"


@dataclass
class _Rewrite:
    """What becomes of one file of data/."""

    dropped: set[str] = field(default_factory=set)
    added: list[pa.Table] = field(default_factory=list)


class Change:
    """The files of one commit.

    Args:
        manifest: What is committed so far.
        options: How files are written.
        check: Raises when the write was cancelled.
        rows: The rows of the batch, with all columns of the files.
        outcome: What becomes of the documents.

    Attributes:
        moves: Files that the commit moves, from and to.
        removes: Files that go with the commit.
        staged: Files written so far.
    """

    def __init__(
        self,
        manifest: Manifest,
        options: ParquetOptions,
        check: Callable[[], None],
        rows: pa.Table,
        outcome: Outcome,
    ) -> None:
        self._root = manifest.root
        self._state = manifest.state
        self._options = options
        self._check = check
        self._seq = manifest.seq + 1
        self._outcome = outcome
        self._schema = rows.schema
        self._id = rows.column_names[0]
        self._incoming = _by_document(rows)
        self._merged: dict[str, pa.Table] = {}
        self._rewrites: dict[str, _Rewrite] = {}
        self._parts = Changes(self._state, "parts")
        self.moves: list[tuple[str, str]] = []
        self.removes: list[str] = []
        self.staged: list[Path] = []

    def count(self, document_id: str) -> int:
        """Return how many rows of a version there are, those of the batch included."""
        return int(self._rows(document_id).num_rows)

    def prepare(self) -> None:
        """Write all new files, none of them in its place yet."""
        outcome = self._outcome
        self._remove(outcome.removed | outcome.dropped)
        published = [entry["document_id"] for entry in outcome.documents.made.values() if entry is not None]
        waiting: dict[str, pa.Table] = {}
        for document_id in dict.fromkeys([*self._incoming, *published]):
            if document_id in outcome.dropped:
                continue
            place = outcome.place_of(document_id)
            if place is not None:
                self._place(document_id, place)
            else:
                waiting[document_id] = self._incoming[document_id]
        self._wait(waiting)
        self._remove_parts()
        for target, rewrite in self._rewrites.items():
            self._write(target, rewrite)

    def ops(self) -> Iterator[Op]:
        """Yield the entries that change besides the ledger's."""
        return self._parts.ops()

    def undo(self) -> None:
        """Remove what was written; the commit did not come about."""
        for path in self.staged:
            path.unlink(missing_ok=True)

    # --- rows that go -------------------------------------------------------------------------------

    def _remove(self, versions: set[str]) -> None:
        unknown = set()
        for document_id in versions:
            home = self._home(document_id)
            if home is not None:
                self._rewrite(home).dropped.add(document_id)
            if document_id in self._parts:
                del self._parts[document_id]
            elif (
                document_id not in self._state.published and document_id not in self._state.tables["pending"]
            ):
                unknown.add(document_id)
        if unknown:  # rows that belong to nothing, which a repair removes
            for path in sorted((self._root / DATA).glob("**/*.parquet")):
                found: set[str] = set()
                for piece in pieces(path, [self._id]):
                    found |= unknown & set(document_ids(texts(piece, self._id)))
                if found:
                    self._rewrite(path.relative_to(self._root).as_posix()).dropped |= found

    def _remove_parts(self) -> None:
        """Let files of pending/ go that hold nothing any more that is wanted."""
        before, made = self._state.tables["parts"], self._parts.made
        left = {name for key, names in before.items() if key not in made for name in names}
        left |= {name for names in made.values() if names is not None for name in names}
        gone = {name for key in made for name in before.get(key, ())}
        self.removes += sorted(gone - left)

    # --- rows that stay -------------------------------------------------------------------------------

    def _home(self, document_id: str) -> str | None:
        """Return the file that a published version is in."""
        place = self._state.published.get(document_id)
        home: str | None = self._state.tables["documents"][place]["file"] if place is not None else None
        return home

    def _sources(self, document_id: str) -> list[str]:
        """Return the files with rows of a version that stay."""
        if document_id in self._outcome.removed:
            return []
        home = self._home(document_id)
        return [*([] if home is None else [home]), *self._state.tables["parts"].get(document_id, [])]

    def _rows(self, document_id: str) -> pa.Table:
        rows = self._merged.get(document_id)
        if rows is None:
            new = self._incoming.get(document_id, self._schema.empty_table())
            sources = self._sources(document_id)
            older = [
                of_documents(read_file(self._root / source, self._schema), [document_id])
                for source in sources
            ]
            rows = self._merged[document_id] = merged(older, new) if older else new
        return rows

    def _place(self, document_id: str, place: str) -> None:
        """Put the rows of a version that is published (now, or already) where they belong."""
        sources = self._sources(document_id)
        home = self._home(document_id) if sources else None
        if document_id in self._parts:
            del self._parts[document_id]
        target = home
        if home is not None:
            if document_id in self._incoming or sources != [home]:
                rewrite = self._rewrite(home)
                rewrite.dropped.add(document_id)
                rewrite.added.append(self._rows(document_id))
        elif (rows := self._rows(document_id)).num_rows:
            target = self._target(place, rows)
            self._rewrite(target).added.append(rows)
        entry = self._outcome.documents.get(place)
        if entry["file"] != target:
            self._outcome.documents[place] = {**entry, "file": target}

    def _target(self, place: str, rows: pa.Table) -> str:
        """Return the file of the version that is replaced, if that is in the folder; else a new one."""
        folder = DATA
        place_of = self._schema.get_field_index(_CATEGORY)
        if (
            self._options.partition == "category"
            and place_of >= 0
            and pa.types.is_string(self._schema.types[place_of])
        ):
            folder = f"{DATA}/{partition_folder(rows[_CATEGORY][0].as_py())}"
        old = self._state.tables["documents"].get(place)
        if old is not None and old["file"] is not None and old["file"].rpartition("/")[0] == folder:
            return str(old["file"])
        return f"{folder}/part-{self._seq:08d}.parquet"

    def _rewrite(self, target: str) -> _Rewrite:
        return self._rewrites.setdefault(target, _Rewrite())

    def _write(self, target: str, rewrite: _Rewrite) -> None:
        self._check()
        tables = list(rewrite.added)
        old = self._root / target
        if old.exists():
            tables.insert(0, without_documents(read_file(old, self._schema), rewrite.dropped))
        table = pa.concat_tables(tables) if tables else self._schema.empty_table()
        if not table.num_rows:
            self.removes.append(target)
            return
        source = f"{STAGING}/{self._seq:08d}-{len(self.moves)}.parquet"
        self._stage(source, table)
        self.moves.append((source, target))

    # --- rows that wait -----------------------------------------------------------------------------

    def _wait(self, waiting: dict[str, pa.Table]) -> None:
        """Keep rows of versions that aren't whole, in one file for all of them."""
        if not waiting:
            return
        name = f"{PENDING}/{self._seq:08d}.parquet"
        self._stage(name, pa.concat_tables(waiting.values()))
        for document_id in waiting:
            self._parts[document_id] = [*(self._parts.get(document_id) or []), name]

    def _stage(self, name: str, table: pa.Table) -> None:
        path = self._root / name
        path.unlink(missing_ok=True)  # of an attempt that a killed process made
        self.staged.append(path)
        compression = self._options.compression
        write_file(path, table, compression, durable=self._options.durable)


def _by_document(rows: pa.Table) -> dict[str, pa.Table]:
    """Return the rows of each version; rows that stand together are a slice, which copies nothing."""
    versions = document_ids(rows.column(0).to_pylist())
    parts: dict[str, list[pa.Table]] = {}
    start = 0
    for stop in range(1, len(versions) + 1):
        if stop == len(versions) or versions[stop] != versions[start]:
            parts.setdefault(versions[start], []).append(rows.slice(start, stop - start))
            start = stop
    return {version: pa.concat_tables(tables) for version, tables in parts.items()}


def rows_of(names: Iterable[str], root: Path, document_id: str, schema: pa.Schema) -> pa.Table:
    """Return the rows of a version that are in these files, of those with the same id the last."""
    tables = [of_documents(read_file(root / name, schema), [document_id]) for name in names]
    return merged(tables, schema.empty_table())
