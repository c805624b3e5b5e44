"""Leases: a file each in the folder, whose time of change is that of the last heartbeat.

A file is replaced under the folder's lock, and stays when its lease was given back: it says who had it last.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from batchwright import Lease, Owner
from batchwright_parquet.layout import LEASES


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a file says, and when it was changed, in nanoseconds."""

    said: dict[str, Any]
    changed: int

    @property
    def lease(self) -> Lease | None:
        if self.said["token"] is None:
            return None
        age = (time.time_ns() - self.changed) / 1e9
        said = self.said
        owner = Owner.from_json(said["owner"])
        return Lease(
            said["collection"], said["token"], said["run_id"], owner, said["since"], self.changed, age
        )


class Leases:
    """The leases of one folder.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / LEASES

    def held(self, collection: str) -> Lease | None:
        """Return the lease of a collection, None where nobody has it."""
        entry = _read(self._path(collection))
        return entry.lease if entry else None

    def last_run(self, collection: str) -> str:
        """Return the run that took the lease of a collection last, empty where none did."""
        entry = _read(self._path(collection))
        return entry.said["run_id"] if entry else ""

    def runs(self) -> Iterator[str]:
        """Yield the runs that have a lease."""
        for path in self._folder.glob("*.json"):
            entry = _read(path)
            if entry and entry.lease:
                yield entry.lease.run_id

    def put(self, collection: str, lease: Lease | None) -> None:
        """Replace the lease of a collection, or give it back. Needs the folder's lock."""
        path = self._path(collection)
        if lease is None:
            said = {**(entry.said if (entry := _read(path)) else {"run_id": ""}), "token": None}
        else:
            said = {
                "collection": collection,
                "token": lease.token,
                "run_id": lease.run_id,
                "owner": lease.owner.as_json(),
                "since": lease.since,
            }
        self._folder.mkdir(exist_ok=True)
        new = path.with_suffix(f".{uuid4().hex}.new")
        try:
            new.write_text(json.dumps(said), "ascii")
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def drop(self, collection: str) -> None:
        """Forget a collection. Needs the folder's lock."""
        self._path(collection).unlink(missing_ok=True)

    def beat(self, collection: str, token: str) -> bool:
        """Note a heartbeat; tell whether the lease still has this token.

        It needs no lock: a file that is replaced meanwhile is not the one that is touched.
        """
        with suppress(FileNotFoundError), self._path(collection).open("rb") as file:
            if json.load(file)["token"] == token:
                os.utime(file.fileno())
                return True
        return False

    def _path(self, collection: str) -> Path:
        name = hashlib.sha256(collection.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{name}.json"


def _read(path: Path) -> _Entry | None:
    with suppress(FileNotFoundError), path.open("rb") as file:
        return _Entry(json.load(file), os.fstat(file.fileno()).st_mtime_ns)
    return None
