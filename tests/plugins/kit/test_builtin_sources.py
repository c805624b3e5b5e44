"""The built-in sources keep the contract."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from batchwright.builtin.files.source import FilesOptions, FilesSource
from batchwright.testing import SECRET, SourceContract

CONTENTS = {"a.md": b"# Apple", "b/c.md": b"# Cherry\n" * 40, "b/d/e.md": b"# Date", "é.md": b"# \xc3\xa9"}


def source_of(url: str) -> FilesSource:
    return FilesSource(FilesOptions.model_validate({"url": url}))


class FilesChecks(SourceContract):
    @pytest.fixture
    def wrong_source(self, tmp_path: Path) -> FilesSource:
        return source_of(f"{(tmp_path / 'nowhere').as_uri()}?password={SECRET}")


class TestFolder(FilesChecks):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "a folder"
        for key, data in CONTENTS.items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(data)
        return folder

    @pytest.fixture
    def make_source(self, folder: Path) -> Callable[[], FilesSource]:
        return lambda: source_of(folder.as_uri())

    @pytest.fixture
    def contents(self, folder: Path) -> Callable[[], Any]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return lambda: {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    @pytest.fixture
    def put(self, folder: Path) -> Callable[[str, bytes], None]:
        def put(key: str, data: bytes) -> None:
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(data)

        return put

    @pytest.fixture
    def remove(self, folder: Path) -> Callable[[str], None]:
        return lambda key: (folder / key).unlink()

    @pytest.fixture
    def cut_off(self, folder: Path) -> Any:
        return None  # a folder that is gone is one item that can't be read, which is tested with discovery


class TestTrustedFolder(TestFolder):
    """With fingerprints: files are an hour old, each written a second after the one before."""

    @pytest.fixture
    def folder(self, tmp_path: Path, times: Iterator[int]) -> Path:
        folder = tmp_path / "a folder"
        for key, data in CONTENTS.items():
            write(folder / key, data, next(times))
        return folder

    @pytest.fixture
    def times(self) -> Iterator[int]:
        return count(int(time.time()) - 3_600)

    @pytest.fixture
    def make_source(self, folder: Path) -> Callable[[], FilesSource]:
        return lambda: source_of(f"{folder.as_uri()}?trust_mtime=true")

    @pytest.fixture
    def put(self, folder: Path, times: Iterator[int]) -> Callable[[str, bytes], None]:
        return lambda key, data: write(folder / key, data, next(times))


def write(path: Path, data: bytes, when: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (when, when))


class TestArchive(FilesChecks):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "notes.zip"
        pack(path, CONTENTS)
        return path

    @pytest.fixture
    def make_source(self, path: Path) -> Callable[[], FilesSource]:
        return lambda: source_of(path.as_uri())

    @pytest.fixture
    def contents(self, path: Path) -> Callable[[], Any]:
        return lambda: unpacked(path)

    @pytest.fixture
    def put(self, path: Path) -> Callable[[str, bytes], None]:
        return lambda key, data: pack(path, {**unpacked(path), key: data})

    @pytest.fixture
    def remove(self, path: Path) -> Callable[[str], None]:
        return lambda key: pack(path, {name: data for name, data in unpacked(path).items() if name != key})


def pack(path: Path, contents: dict[str, bytes]) -> None:
    new = path.with_suffix(".new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, data in contents.items():
            archive.writestr(zipfile.ZipInfo(key, (2026, 3, 4, 10, 0, 0)), data)
    shutil.move(new, path)


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
