"""One commit, put together: which files are written anew, which go, and where each document is then.

Every published document is whole and in one file. A new version takes the old one's place *in its file*,
which is written anew beside and then renamed over: a reader of that file sees the one or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from batchwright import IncompleteDocument, Publication, Receipt
from batchwright_parquet.layout import DATA, PENDING, STAGING, partition_folder
from batchwright_parquet.manifest import Manifest, Op
from batchwright_parquet.options import ParquetOptions
from batchwright_parquet.rows import SCHEMA
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

    Attributes:
        places: The file that each version is in that this commit publishes or moves.
        ops: Entries of the manifest that change, besides the ledger's.
        moves: Files that the commit moves, from and to.
        removes: Files that go with the commit.
        staged: Files written so far.
    """

    def __init__(self, manifest: Manifest, options: ParquetOptions, check: Callable[[], None]) -> None:
        self._manifest = manifest
        self._root = manifest.root
        self._state = manifest.state
        self._options = options
        self._check = check
        self._seq = manifest.seq + 1
        self._rewrites: dict[str, _Rewrite] = {}
        self.places: dict[str, str | None] = {}
        self.ops: list[Op] = []
        self.moves: list[tuple[str, str]] = []
        self.removes: list[str] = []
        self.staged: list[Path] = []

    def prepare(self, rows: pa.Table, receipt: Receipt) -> None:
        """Write all new files, none of them in its place yet.

        Raises:
            IncompleteDocument: A publication lacks rows.
        """
        obsolete = set(receipt.obsolete)
        publications = {p.version.document_id: p for p in receipt.publications}
        incoming = _by_document(rows)
        self._remove(obsolete)
        waiting: dict[str, pa.Table] = {}
        for document_id in [*incoming, *(key for key in publications if key not in incoming)]:
            if document_id in obsolete:
                continue
            new = incoming.get(document_id, SCHEMA.empty_table())
            if document_id in publications or document_id in self._state.published:
                self._place(document_id, new, publications.get(document_id))
            else:
                waiting[document_id] = new
        self._wait(waiting)
        for target, rewrite in self._rewrites.items():
            self._write(target, rewrite)

    def undo(self) -> None:
        """Remove what was written; the commit did not come about."""
        for path in self.staged:
            path.unlink(missing_ok=True)

    # --- rows that go -------------------------------------------------------------------------------

    def _remove(self, obsolete: set[str]) -> None:
        unknown = set()
        for document_id in obsolete:
            name = self._state.published.get(document_id)
            file = self._state.tables["documents"][name]["file"] if name is not None else None
            if file is not None:
                self._rewrite(file).dropped.add(document_id)
            if document_id in self._state.tables["parts"]:
                self._drop_parts(document_id)
            elif name is None and document_id not in self._state.tables["pending"]:
                unknown.add(document_id)
        if unknown:  # rows that belong to nothing, which a repair removes
            for path in sorted((self._root / DATA).glob("**/*.parquet")):
                found: set[str] = set()
                for piece in pieces(path, ["id"]):
                    found |= unknown & set(document_ids(texts(piece, "id")))
                if found:
                    self._rewrite(path.relative_to(self._root).as_posix()).dropped |= found

    def _drop_parts(self, document_id: str) -> None:
        parts = self._state.tables["parts"]
        self.ops.append(("parts", document_id, None))
        gone = {key for table, key, value in self.ops if table == "parts" and value is None}
        still = {name for key, names in parts.items() if key not in gone for name in names}
        self.removes += [name for name in parts[document_id] if name not in still | set(self.removes)]

    # --- rows that are visible -----------------------------------------------------------------------

    def _place(self, document_id: str, new: pa.Table, publication: Publication | None) -> None:
        """Put the rows of a version that is published (now, or already) where they belong."""
        tables = self._state.tables
        name = self._state.published.get(document_id)
        home = tables["documents"][name]["file"] if name is not None else None
        sources = [*([] if home is None else [home]), *tables["parts"].get(document_id, [])]
        older = [of_documents(read_file(self._root / source), [document_id]) for source in sources]
        rows = merged(older, new) if older else new
        if publication is not None and publication.stored_before > 0 and rows.num_rows != publication.rows:
            version = publication.version
            raise IncompleteDocument(
                f"{version.source_file}: {rows.num_rows} of {publication.rows} rows are there; "
                f"run again, and it will be loaded anew"
            )
        if document_id in tables["parts"]:
            self._drop_parts(document_id)
        if not rows.num_rows:
            target = home
        elif home is not None:
            target = home
            if new.num_rows or len(older) > 1:
                rewrite = self._rewrite(home)
                rewrite.dropped.add(document_id)
                rewrite.added.append(rows)
        else:
            target = self._target(publication, rows["source_category"][0].as_py())
            self._rewrite(target).added.append(rows)
        self.places[document_id] = target
        if publication is None and name is not None and target != home:
            self.ops.append(("documents", name, {**tables["documents"][name], "file": target}))

    def _target(self, publication: Publication | None, category: str | None) -> str:
        """Return the file of the version that is superseded, if that is in the folder; else a new one."""
        folder = DATA
        if self._options.partition == "category":
            folder = f"{DATA}/{partition_folder(category)}"
        if publication is not None:
            old = self._state.tables["documents"].get(publication.version.source_file)
            if (
                old is not None
                and old["document_id"] in publication.supersedes
                and old["file"] is not None
                and old["file"].rpartition("/")[0] == folder
            ):
                return str(old["file"])
        return f"{folder}/part-{self._seq:08d}.parquet"

    def _rewrite(self, target: str) -> _Rewrite:
        return self._rewrites.setdefault(target, _Rewrite())

    def _write(self, target: str, rewrite: _Rewrite) -> None:
        self._check()
        tables = list(rewrite.added)
        old = self._root / target
        if old.exists():
            tables.insert(0, without_documents(read_file(old), rewrite.dropped))
        table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
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
            known = self._state.tables["parts"].get(document_id, [])
            self.ops.append(("parts", document_id, [*known, name]))

    def _stage(self, name: str, table: pa.Table) -> None:
        path = self._root / name
        path.unlink(missing_ok=True)  # of an attempt that a killed process made
        self.staged.append(path)
        compression = self._options.compression
        write_file(path, table, compression, durable=self._options.durable)


def _by_document(rows: pa.Table) -> dict[str, pa.Table]:
    """Return the rows of each version; rows that stand together are a slice, which copies nothing."""
    versions = document_ids(texts(rows, "id"))
    parts: dict[str, list[pa.Table]] = {}
    start = 0
    for stop in range(1, len(versions) + 1):
        if stop == len(versions) or versions[stop] != versions[start]:
            parts.setdefault(versions[start], []).append(rows.slice(start, stop - start))
            start = stop
    return {version: pa.concat_tables(tables) for version, tables in parts.items()}


def rows_of(names: Iterable[str], root: Path, document_id: str) -> pa.Table:
    """Return the rows of a version that are in these files, of those with the same id the last."""
    tables = [of_documents(read_file(root / name), [document_id]) for name in names]
    return merged(tables, SCHEMA.empty_table())
