"""Merge many small files into few."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from batchwright import SinkError
from batchwright_parquet.folder import borrow, give_back
from batchwright_parquet.layout import STAGING, sync_folder
from batchwright_parquet.manifest import Manifest, Op
from batchwright_parquet.options import Compression
from batchwright_parquet.rows import schema_of
from batchwright_parquet.tables import document_ids, of_documents, read_file, texts, write_file


def compact(
    path: str | PathLike[str],
    *,
    rows: int = 100_000,
    compression: Compression = "zstd",
    durable: bool = True,
    timeout: float = 5.0,
) -> tuple[int, int]:
    """Merge the files of each folder, up to so many rows a file; return how many there were and are.

    Each file that comes about is a commit of its own, so this may be killed at any time and done again. A
    reader that lists the folder itself may, at the moment of such a commit, see documents twice, or find a
    file gone; `batchwright_parquet.read` does not.

    Args:
        path: The folder of the sink.
        rows: Of a file, at most; a file that has more stays as it is.
        compression: zstd, snappy or none.
        durable: Whether each commit withstands a loss of power.
        timeout: Seconds to wait for another process that writes.

    Raises:
        SinkError: Nothing was ever loaded there, or another process writes.
    """
    root = Path(path).absolute()
    if not Manifest(root).exists():
        raise SinkError(f"nothing is loaded in {path} yet")
    folder = borrow(root, durable=durable)
    try:
        with folder.writing(timeout) as manifest:
            before = len(_files(manifest))
            for group in list(_groups(manifest, rows)):
                _merge(manifest, group, compression, durable=durable)
            return before, len(_files(manifest))
    finally:
        give_back(folder)


def _files(manifest: Manifest) -> dict[str, list[str]]:
    """Return the documents in each file, both by name."""
    found: dict[str, list[str]] = {}
    for name in manifest.state.places:
        file = manifest.state.tables["documents"][name]["file"]
        if file is not None:
            found.setdefault(file, []).append(name)
    return found


def _groups(manifest: Manifest, rows: int) -> Iterator[list[str]]:
    """Yield files that go together: neighbours in one folder."""
    group: list[str] = []
    held = 0
    for name in sorted(file for file in _files(manifest) if (manifest.root / file).exists()):
        count = pq.read_metadata(manifest.root / name).num_rows
        apart = bool(group) and group[0].rpartition("/")[0] != name.rpartition("/")[0]
        if group and (apart or held + count > rows):
            if len(group) > 1:
                yield group
            group, held = [], 0
        group.append(name)
        held += count
    if len(group) > 1:
        yield group


def _merge(manifest: Manifest, group: list[str], compression: Compression, *, durable: bool) -> None:
    documents = manifest.state.tables["documents"]
    inside, schema = _files(manifest), schema_of(manifest.record_type)
    tables = []
    for name in group:  # what a file holds of documents that are elsewhere was put there by others, and goes
        wanted = [documents[place]["document_id"] for place in inside[name]]
        tables.append(of_documents(read_file(manifest.root / name, schema), wanted))
    table = pa.concat_tables(tables)
    kind = manifest.record_type
    order = (kind.collection_column, *filter(None, [kind.key]), kind.id_column)
    table = table.sort_by([(column, "ascending") for column in order])
    there = set(document_ids(texts(table, kind.id_column)))
    source = f"{STAGING}/{manifest.seq + 1:08d}-0.parquet"
    target = f"{group[0].rpartition('/')[0]}/part-{manifest.seq + 1:08d}.parquet"
    staged = manifest.root / source
    staged.unlink(missing_ok=True)
    write_file(staged, table, compression, durable=durable)
    if durable:
        sync_folder(staged.parent)
    ops: list[Op] = []
    for name in group:
        for place in inside[name]:
            entry = documents[place]
            file = target if entry["document_id"] in there else None
            ops.append(("documents", place, {**entry, "file": file}))
    manifest.commit(ops, [(source, target)], group)
    manifest.finish()
