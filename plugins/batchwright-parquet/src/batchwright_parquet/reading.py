"""Read what is published, exactly as of one commit, from any process and without a sink."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import pyarrow as pa

from batchwright import SinkError
from batchwright_parquet.manifest import Manifest
from batchwright_parquet.rows import schema_of
from batchwright_parquet.tables import read_file

_TRIES = 20


def files(path: str | PathLike[str]) -> list[Path]:
    """Return the files that hold what is published, in order of their names.

    A commit that a killed process left half done counts as done. The files stay as they are until the next
    commit: a program that reads while another loads should use `read`, or look at each file once.

    Raises:
        SinkError: Nothing was ever loaded there.
    """
    manifest = Manifest(Path(path))
    manifest.refresh()
    if not manifest.exists():
        raise SinkError(f"nothing is loaded in {path} yet")
    return files_of(manifest)


def read(path: str | PathLike[str], columns: Sequence[str] | None = None) -> pa.Table:
    """Return all that is published, as of one commit.

    Args:
        path: The folder.
        columns: Only these; by default all.

    Raises:
        SinkError: Nothing was ever loaded there, or commits came faster than the files could be read.
    """
    for _ in range(_TRIES):
        before = _as_of(Path(path))
        schema = schema_of(before.record_type)
        tables = [schema.empty_table(), *(read_file(file, schema) for file in files(path))]
        if _as_of(Path(path)).seq == before.seq:
            table = pa.concat_tables(tables)
            return table if columns is None else table.select(list(columns))
    raise SinkError(f"{path} changed all the time while it was read; read it when the load is done")


def files_of(manifest: Manifest) -> list[Path]:
    """Return the files that hold what is published; those that aren't in their place yet, where they are."""
    moved = {target: source for source, target in manifest.moves}
    names = {
        entry["file"] for entry in manifest.state.tables["documents"].values() if entry["file"] is not None
    }
    found = []
    for name in sorted(names):
        staged = manifest.root / moved[name] if name in moved else None
        found.append(staged if staged is not None and staged.exists() else manifest.root / name)
    return found


def _as_of(path: Path) -> Manifest:
    manifest = Manifest(path)
    manifest.refresh()
    return manifest
