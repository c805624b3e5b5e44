"""The manifest: a journal of commits, one line each, that is replaced by a shorter one now and then.

A line is a checksum, a space, and a JSON object: ``ops`` sets and removes entries, ``moves`` and ``removes``
say what is to be done with files *because* of the commit. Appending the line (and its fsync) is the commit.
Whoever writes does the last line's moves before anything else, so at most the last line's are undone.
"""

from __future__ import annotations

import json
import os
import zlib
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from batchwright import RecordType, SinkError
from batchwright.contracts.records import CHUNK
from batchwright.sinkkit.record_changes import META_KEY
from batchwright_parquet.layout import DATA, MANIFEST, PENDING, STAGING, sync_folder

VERSION = 2
_SHORTEST = 1024 * 1024  # bytes below which a journal isn't worth replacing
_HEAD = 200

Op = tuple[str, str, Any]
"""Table, key, and the new value, or None to remove the entry."""


def place_of(collection: str, key: str) -> str:
    """Return what names a document among all: a collection's name has no NUL."""
    return f"{collection}\0{key}"


@dataclass
class State:
    """What is committed, by table and key."""

    tables: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            name: {}
            for name in (
                *("meta", "collections", "runs", "receipts", "documents", "pending", "parts", "rejects"),
                *("items", "cursors"),
            )
        }
    )
    published: dict[str, str] = field(default_factory=dict)
    """The place of each published version, by document_id."""
    places: list[str] = field(default_factory=list)
    """The places of the published documents, in order: by collection, then by key."""
    rejects_by: dict[str, dict[str | None, set[str]]] = field(
        default_factory=lambda: {"key": {}, "document_id": {}}
    )
    """The ids of the rejects of each document, and of each version."""

    def apply(self, ops: Iterable[Op]) -> None:
        """Take over what a commit changed."""
        for table, key, value in ops:
            entries = self.tables[table]
            if table == "documents":
                old = entries.get(key)
                if old is not None:
                    self.published.pop(old["document_id"], None)
                if value is not None:
                    self.published[value["document_id"]] = key
                    if old is None:
                        insort(self.places, key)
                elif old is not None:
                    del self.places[bisect_left(self.places, key)]
            if table == "rejects":
                self._index(key, entries.get(key), value)
            if value is None:
                entries.pop(key, None)
            else:
                entries[key] = value

    def _index(self, identity: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        for name, index in self.rejects_by.items():
            if old is not None:
                ids = index[old[name]]
                ids.discard(identity)
                if not ids:
                    del index[old[name]]
            if new is not None:
                index.setdefault(new[name], set()).add(identity)


class Manifest:
    """The manifest of one folder. Not thread-safe: `Folder` sees to that.

    Attributes:
        state: What is committed.
        seq: Number of the last commit.
        moves: Of the last commit: files to be moved, from and to, relative to the folder.
        removes: Of the last commit: files to be removed.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self.root = root
        self.path = root / MANIFEST
        self.state = State()
        self.seq = 0
        self.moves: list[tuple[str, str]] = []
        self.removes: list[str] = []
        self._durable = durable
        self._head = b""
        self._end = 0  # of what was read
        self._base = 0  # length of the file when it held the state alone
        self._stale = False

    @property
    def record_type(self) -> RecordType:
        """What the folder holds records of."""
        kept = self.state.tables["meta"].get(META_KEY)
        return CHUNK if kept is None else RecordType.from_json(kept)

    def exists(self) -> bool:
        """Tell whether there is one."""
        return self.path.is_file() and self.path.stat().st_size > 0

    def refresh(self) -> None:
        """Read what was committed since the last time.

        Raises:
            SinkError: It is no manifest of ours, or one of a newer version.
        """
        try:
            with self.path.open("rb") as file:
                head = file.readline(_HEAD)
                if self._stale or head != self._head:
                    self._clear()
                    self._check(head)
                    self._head, self._end = head, len(head)
                file.seek(self._end)
                rest = file.read()
        except FileNotFoundError:
            self._clear()
            return
        except OSError as error:
            raise SinkError(f"{self.path} can't be read: {error.strerror}; choose another folder") from error
        start = 0
        while (stop := rest.find(b"\n", start)) >= 0:
            entry = _parsed(rest[start:stop])
            if entry is None:
                break  # torn: never committed
            self._take(entry)
            start = stop + 1
        self._end += start
        if not self._base:
            self._base = self._end // 2

    def create(self) -> None:
        """Make the folders and an empty manifest where they are missing. Needs the lock."""
        for name in (DATA, PENDING, STAGING):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        if not self.exists():
            self._replace([])

    def commit(self, ops: Sequence[Op], moves: Sequence[tuple[str, str]], removes: Sequence[str]) -> None:
        """Append a line: from its fsync on, it is so. Needs the lock, and all that came before done.

        Raises:
            OSError: It could not be written; then it is not so.
        """
        entry = {"seq": self.seq + 1, "ops": ops, "moves": moves, "removes": removes}
        line = _line(entry)
        self._stale = True  # until memory and file are known to agree again
        with self.path.open("r+b") as file:
            file.seek(self._end)
            try:
                file.write(line)
                file.truncate()  # whatever was torn before
                file.flush()
                self._sync(file.fileno())
            except BaseException:
                with suppress(OSError):
                    os.truncate(self.path, self._end)
                raise
        self._end += len(line)
        self._take(entry)
        self._stale = False

    def finish(self) -> None:
        """Do what the last commit says about files. Needs the lock; may be done again and again."""
        folders = set()
        for source, target in self.moves:
            if (self.root / source).exists():
                folder = (self.root / target).parent
                folder.mkdir(parents=True, exist_ok=True)
                os.replace(self.root / source, self.root / target)  # noqa: PTH105 - tests cut in here
                folders.add(folder)
        if self._durable:
            for folder in folders:
                sync_folder(folder)
                sync_folder(folder.parent)
        for name in self.removes:
            (self.root / name).unlink(missing_ok=True)
        self.moves, self.removes = [], []
        if self._end > max(_SHORTEST, 3 * self._base):
            self._replace([(t, k, v) for t, entries in self.state.tables.items() for k, v in entries.items()])

    @property
    def undone(self) -> bool:
        """Whether a process died between the last commit and what it says about files."""
        moves = any((self.root / source).exists() for source, _ in self.moves)
        return moves or any((self.root / name).exists() for name in self.removes)

    def clean(self) -> None:
        """Remove files that no commit knows of: a killed process left them. Needs the lock."""
        known = {Path(name).name for names in self.state.tables["parts"].values() for name in names}
        for folder, keep in ((PENDING, known), (STAGING, set[str]())):
            for path in (self.root / folder).glob("*"):
                if path.name not in keep:
                    path.unlink(missing_ok=True)
        for path in self.path.parent.glob("manifest.*.new"):
            path.unlink(missing_ok=True)

    def _replace(self, ops: list[Op]) -> None:
        """Put a new file in the manifest's place, which holds the state alone."""
        head = json.dumps({"batchwright-parquet": VERSION, "id": uuid4().hex}).encode() + b"\n"
        new = self.path.with_name(f"manifest.{uuid4().hex}.new")
        # one line an entry: a reader holds one in memory, not all
        content = head + b"".join(
            _line({"seq": self.seq, "ops": [op], "moves": [], "removes": []}) for op in ops
        )
        with new.open("xb") as file:
            file.write(content)
            file.flush()
            self._sync(file.fileno())
        self._stale = True
        os.replace(new, self.path)  # noqa: PTH105 - tests cut in here
        if self._durable:
            sync_folder(self.path.parent)
        self._head, self._end, self._base = head, len(content), len(content)
        self._stale = False

    def _take(self, entry: dict[str, Any]) -> None:
        self.state.apply((table, key, value) for table, key, value in entry["ops"])
        self.seq = entry["seq"]
        self.moves = [(source, target) for source, target in entry["moves"]]
        self.removes = list(entry["removes"])

    def _check(self, head: bytes) -> None:
        try:
            version = json.loads(head)["batchwright-parquet"]
        except (ValueError, KeyError, TypeError):
            raise SinkError(
                f"{self.path} is no manifest of batchwright-parquet; choose another folder"
            ) from None
        if version != VERSION:
            advice = "update batchwright-parquet" if version > VERSION else "load the documents anew"
            raise SinkError(
                f"{self.path} has layout {version}, and this batchwright-parquet knows {VERSION}; "
                f"{advice}, or choose another folder"
            )

    def _clear(self) -> None:
        self.state = State()
        self.seq = 0
        self.moves, self.removes = [], []
        self._head, self._end, self._base = b"", 0, 0
        self._stale = False

    def _sync(self, descriptor: int) -> None:
        if self._durable:
            os.fsync(descriptor)


def _line(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry, separators=(",", ":")).encode()  # pure ASCII: lone surrogates survive
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parsed(line: bytes) -> dict[str, Any] | None:
    if line[:8] != b"%08x" % zlib.crc32(line[9:]):
        return None
    entry: dict[str, Any] = json.loads(line[9:])
    return entry
