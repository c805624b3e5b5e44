"""What every file system of fsspec can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
from batchwright_fsspec import (
    AzureOptions,
    AzureSource,
    FilesystemOptions,
    FilesystemSource,
    GcsOptions,
    GcsSource,
    S3Options,
    S3Source,
    filesystem,
)
from batchwright_fsspec.download import BLOCK
from pydantic import SecretStr

from batchwright import ConfigError
from batchwright.documents import Selection

from .conftest import ALL


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in memory, empty."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


def source(url: str) -> FilesystemSource:
    made = FilesystemSource(FilesystemOptions(url=SecretStr(url)))
    made.selection = ALL
    return made


def keys(url: str, after: str = "", until: str | None = None) -> list[str]:
    return [item.key for item in source(url).list(after, until)]


def test_files_are_listed_in_code_point_order(memory: Any) -> None:
    names = ["\U0001f600.md", "\uff5e.md", "a ?[*#%.md", "b/c.md", "B.md"]
    memory.pipe({f"/docs/{name}": b"x" for name in names} | {"/docs-old/d.md": b"x"})
    assert keys("memory://docs") == keys("memory://docs/") == sorted(names)
    assert keys("memory://docs", after="B.md", until="b/c.md") == ["a ?[*#%.md", "b/c.md"]
    assert keys("memory://") == ["docs-old/d.md", *(f"docs/{name}" for name in sorted(names))]


def test_a_file_by_its_path_is_the_only_item_whatever_is_selected(memory: Any) -> None:
    memory.pipe({"/docs/a.csv": b"x", "/docs/a.csv.bak": b"x", "/docs/b.md": b"x"})
    assert keys("memory://docs/a.csv") == ["a.csv"]
    for url, found in (("memory://docs/a.csv", ["a.csv"]), ("memory://docs/", ["b.md"])):
        docs = source(url)
        docs.selection = Selection()
        assert [item.key for item in docs.list()] == found


@pytest.mark.parametrize("size", [0, 5, BLOCK + 5])
def test_files_are_fetched_with_time_and_size_as_fingerprint(memory: Any, size: int) -> None:
    memory.pipe("/docs/a.md", b"x" * size)
    docs = source("memory://docs")
    [item] = docs.list()
    fetched = docs.fetch(item)
    assert (item.size, fetched.open().read()) == (size, b"x" * size)
    assert item.fingerprint == fetched.fingerprint != ""


def test_a_file_that_changes_while_it_is_read_is_read_again(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe("/docs/a.md", b"one")
    docs = source("memory://docs")
    [item] = docs.list()
    changes = iter([b"two", b"three!"])
    read = filesystem._read

    def changed_meanwhile(fs: Any, path: str) -> Any:
        content = read(fs, path)
        if change := next(changes, None):
            memory.pipe(path, change)
        return content

    monkeypatch.setattr(filesystem, "_read", changed_meanwhile)
    fetched = docs.fetch(item)
    assert fetched.open().read() == b"three!"
    assert fetched.fingerprint == next(docs.list()).fingerprint


def test_a_file_that_never_stands_still_is_a_lost_connection(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe("/docs/a.md", b"x")
    docs = source("memory://docs")
    [item] = docs.list()
    monkeypatch.setattr(
        filesystem, "_fingerprint", lambda info: str(id(object())) + str(len(calls.append(1) or calls))
    )
    calls: list[int] = []
    with pytest.raises(ConnectionError, match="changes while"):
        docs.fetch(item)
    assert len(calls) == 3


def test_a_file_that_is_gone_since_it_was_listed_is_not_found(memory: Any) -> None:
    memory.pipe("/docs/a.md", b"x")
    docs = source("memory://docs")
    [item] = docs.list()
    memory.rm("/docs/a.md")
    with pytest.raises(FileNotFoundError):
        docs.fetch(item)


@pytest.mark.parametrize(
    ("made", "extra"),
    [
        (lambda: S3Source(S3Options(url=SecretStr("s3://bucket/docs/"))), "s3"),
        (lambda: GcsSource(GcsOptions(url=SecretStr("gs://bucket/docs/"))), "gcs"),
        (lambda: AzureSource(AzureOptions(url=SecretStr("az://bucket/docs/"))), "azure"),
        (lambda: source("sftp://host/docs"), "sftp"),
    ],
)
def test_a_missing_driver_is_a_wrong_setting_that_says_what_to_install(
    made: Any, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(scheme: str) -> Any:
        raise ImportError("Please install it") from ModuleNotFoundError(name="driver")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(ConfigError, match=rf"pip install 'batchwright-fsspec\[{extra}\]'"):
        list(made().list())


def test_a_scheme_without_an_extra_repeats_what_fsspec_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(scheme: str) -> Any:
        raise ImportError("Please install ocifs to access OCI Object Storage")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(ConfigError, match="Please install ocifs"):
        list(source("oci://bucket/docs").list())


def test_file_systems_get_what_the_options_say() -> None:
    gcs = GcsSource(GcsOptions(url=SecretStr("gs://bucket/docs"), anon=True, project="p"))
    assert gcs.arguments(gcs.url) == {"project": "p", "token": "anon"}
    assert gcs.limits.at_once == 16
    assert source("ftp://host/docs").limits.at_once == 1


@pytest.mark.parametrize("url", ["s3://", "s3:///docs", "s3://?x"])
def test_a_url_without_a_bucket_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError, match="names no bucket"):
        S3Source(S3Options(url=SecretStr(url)))


def test_a_password_before_a_bucket_is_a_wrong_setting_and_kept_nowhere() -> None:
    bucket = S3Source(S3Options(url=SecretStr("s3://key:secret@bucket/docs")))
    assert bucket.origin() == "s3://bucket/docs"
    with pytest.raises(ConfigError, match="takes no user"):
        list(bucket.list())
