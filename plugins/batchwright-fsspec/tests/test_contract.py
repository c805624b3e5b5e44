"""The kit's contract of a source: for a bucket, and for a file system of fsspec."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import fsspec
import pytest
from batchwright_fsspec import FilesystemOptions, FilesystemSource, S3Source, answers
from pydantic import SecretStr

from batchwright.testing import SECRET, SourceContract

from .conftest import source
from .servers import Reply, S3Server, refusal

TEXTS = {"a.md": b"# A", "b/c.md": b"# C" * 1000, "d.md": b"# D", "e.md": b""}


class TestS3Source(SourceContract):
    @pytest.fixture(autouse=True)
    def _no_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(answers.persistently, "__defaults__", (lambda seconds: None,))

    @pytest.fixture
    def make_source(self, s3: S3Server) -> Callable[[], S3Source]:
        s3.objects, s3.page = {f"docs/{key}": text for key, text in TEXTS.items()}, 2
        return lambda: source(s3.url, "s3://bucket/docs/")

    @pytest.fixture
    def contents(self, s3: S3Server) -> Callable[[], Mapping[str, bytes]]:
        return lambda: {key.removeprefix("docs/"): text for key, text in s3.objects.items()}

    @pytest.fixture
    def put(self, s3: S3Server) -> Callable[[str, bytes], None]:
        return lambda key, data: s3.objects.update({f"docs/{key}": data})

    @pytest.fixture
    def remove(self, s3: S3Server) -> Callable[[str], None]:
        return lambda key: s3.objects.__delitem__(f"docs/{key}")

    @pytest.fixture
    def break_off(self, s3: S3Server) -> Callable[[], AbstractContextManager[object]]:
        return lambda: self.answering(s3, lambda kind, key, _: refusal(503, "SlowDown") if key else None)

    @pytest.fixture
    def cut_off(self, s3: S3Server) -> Callable[[], AbstractContextManager[object]]:
        return lambda: self.answering(s3, lambda *_: Reply(200, b"x" * 100, cut=0))

    @staticmethod
    @contextmanager
    def answering(s3: S3Server, script: Callable[[str, str, int], Reply | None]) -> Iterator[None]:
        before, s3.script = s3.script, script
        try:
            yield
        finally:
            s3.script = before


class TestFilesystemSource(SourceContract):
    @pytest.fixture
    def memory(self) -> Iterator[Any]:
        fs = fsspec.filesystem("memory")
        fs.store.clear()
        fs.pipe({f"/docs/{key}": text for key, text in TEXTS.items()})
        yield fs
        fs.store.clear()

    @pytest.fixture
    def make_source(self, memory: Any) -> Callable[[], FilesystemSource]:
        return lambda: FilesystemSource(FilesystemOptions(url=SecretStr("memory://docs"), at_once=4))

    @pytest.fixture
    def contents(self, memory: Any) -> Callable[[], Mapping[str, bytes]]:
        return lambda: {path.removeprefix("/docs/"): memory.cat(path) for path in memory.find("/docs")}

    @pytest.fixture
    def put(self, memory: Any) -> Callable[[str, bytes], None]:
        return lambda key, data: memory.pipe(f"/docs/{key}", data)

    @pytest.fixture
    def remove(self, memory: Any) -> Callable[[str], None]:
        return lambda key: memory.rm(f"/docs/{key}")

    @pytest.fixture
    def wrong_source(self) -> FilesystemSource:
        return FilesystemSource(FilesystemOptions(url=SecretStr(f"ftp://kit:{SECRET}@127.0.0.1:9/docs")))
