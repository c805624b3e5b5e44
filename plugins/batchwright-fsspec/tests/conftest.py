"""Stores on the loopback: moto's S3, one for all tests, and servers that follow a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any

import botocore.loaders
import pytest
from batchwright_fsspec import S3Options, S3Source
from fsspec.asyn import sync
from pydantic import SecretStr

from batchwright.documents import Selection
from tests.support.postgres import PostgresServer, PostgresTemplate
from tests.support.targets import PostgresTarget

from .servers import HttpServer, S3Server

ALL = Selection(patterns=["*"], hidden=True, default_excludes=False)
"""What is listed unless a test says otherwise."""

_NUMBERS = count(1)


@pytest.fixture(scope="session", autouse=True)
def _descriptions_of_services_are_read_once() -> Iterator[None]:
    """Each client reads some megabytes of JSON else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.loaders, "create_loader", cache(botocore.loaders.create_loader))
        yield


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, profiles and proxies are those of the test."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The URL of moto's S3."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresTarget]:
    """A Postgres."""
    with PostgresTemplate() as template, PostgresServer(template) as server:
        yield PostgresTarget(server)


@pytest.fixture
def postgres_url(postgres: PostgresTarget) -> Iterator[str]:
    """The URL of an empty database."""
    url = postgres.fresh()
    yield url
    postgres.drop(url)


class MotoBucket:
    """A bucket of moto's, and a client for it."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name = url, name
        self._source = source(url, f"s3://{name}/")
        self._connection = self._source._connection.get()
        self.call("create_bucket")

    def call(self, method: str, **how: Any) -> Any:
        return sync(
            self._connection.fs.loop, getattr(self._connection.client, method), Bucket=self.name, **how
        )

    def put(self, key: str, body: bytes) -> None:
        self.call("put_object", Key=key, Body=body)

    def presigned(self, key: str) -> str:
        client = self._connection.client
        params = {"Bucket": self.name, "Key": key}
        url: str = sync(self._connection.fs.loop, client.generate_presigned_url, "get_object", params)
        return url

    def source(self, prefix: str = "", **options: Any) -> S3Source:
        return source(self.url, f"s3://{self.name}/{prefix}", **options)

    def close(self) -> None:
        self._source.close()


def source(endpoint: str, url: str, **options: Any) -> S3Source:
    """Return a source with keys, for a server at `endpoint`."""
    keys = {"access_key_id": SecretStr("AKIDEXAMPLE"), "secret_access_key": SecretStr("wJalrXUtnFEMI")}
    made = S3Source(S3Options(url=SecretStr(url), endpoint_url=endpoint, **{**keys, **options}))
    made.selection = ALL
    return made


@pytest.fixture
def bucket(moto_url: str) -> Iterator[MotoBucket]:
    """A bucket of moto's of its own."""
    made = MotoBucket(moto_url, f"bucket-{next(_NUMBERS)}")
    yield made
    made.close()


@pytest.fixture
def s3() -> Iterator[S3Server]:
    """A server that speaks a little of S3's protocol, and follows a script."""
    with S3Server() as server:
        yield server


@pytest.fixture
def http() -> Iterator[HttpServer]:
    """A server of files that follows a script."""
    with HttpServer() as server:
        yield server


@pytest.fixture
def make(s3: S3Server) -> Iterator[Callable[..., S3Source]]:
    """Makes sources for the scripted server, which are closed at the end."""
    made: list[S3Source] = []

    def make(prefix: str = "docs/", **options: Any) -> S3Source:
        made.append(source(s3.url, f"s3://bucket/{prefix}", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
