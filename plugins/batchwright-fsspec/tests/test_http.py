"""One file by HTTP."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from batchwright_fsspec import HttpOptions, HttpSource, answers
from batchwright_fsspec.answers import AnswerError
from pydantic import SecretStr

from batchwright import ConfigError, Item
from batchwright.contracts.failure import Failure

from .conftest import MotoBucket
from .servers import HttpServer, Reply

Make = Callable[..., HttpSource]


@pytest.fixture
def file(http: HttpServer) -> Iterator[Make]:
    """Makes sources of a file of the server, which are closed at the end."""
    made: list[HttpSource] = []

    def make(path: str = "/docs/a.md", **options: Any) -> HttpSource:
        url = path if "://" in path else http.url + path
        made.append(HttpSource(HttpOptions(url=SecretStr(url), **options)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def item_of(source: HttpSource) -> Item:
    [item] = source.list()
    return item


def test_a_url_is_one_item(http: HttpServer, file: Make) -> None:
    http.files = {"/docs/a.md": b"# A"}
    a = file("/docs/a.md?version=1#top")
    item = item_of(a)
    assert item == Item("a.md", size=3, fingerprint='"one"', media_type="text/markdown")
    fetched = a.fetch(item)
    assert (fetched.open().read(), fetched.fingerprint) == (b"# A", '"one"')
    assert a.origin() == f"{http.url}/docs/a.md"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/a%20b%C3%A9.md", "a b\u00e9.md"),
        ("/docs/", "127.0.0.1"),
        ("/a%2Fb.md", "127.0.0.1"),
        ("/..", "127.0.0.1"),
        ("/a%0Ab", "127.0.0.1"),
    ],
)
def test_the_key_is_the_last_part_of_the_path_else_the_host(
    http: HttpServer, file: Make, path: str, key: str
) -> None:
    assert file(path).key == key


def test_a_listing_asks_for_a_byte_and_the_limits_of_a_listing_hold(http: HttpServer, file: Make) -> None:
    http.files = {"/docs/a.md": b"# A"}
    a = file()
    assert list(a.list(after="a.md")) == list(a.list(until="a.m")) == []
    assert http.log == []
    item_of(a)
    assert http.requests[0][1]["Range"] == "bytes=0-0"


def test_a_server_without_ranges_and_an_empty_file_are_listed_as_well(http: HttpServer, file: Make) -> None:
    http.files = {"/docs/a.md": b"# A", "/empty.md": b""}
    assert item_of(file("/empty.md")).size == 0
    http.ranges = False
    assert item_of(file()).size == 3


def test_the_time_of_a_change_is_the_fingerprint_where_there_is_no_etag(http: HttpServer, file: Make) -> None:
    http.files, http.headers = {"/docs/a.md": b"# A"}, {"Last-Modified": "Wed, 25 Nov 2026 12:00:00 GMT"}
    assert item_of(file()).fingerprint == "Wed, 25 Nov 2026 12:00:00 GMT"
    http.headers = {}
    assert item_of(file()).fingerprint == ""


def test_the_fingerprint_is_that_of_what_was_fetched(http: HttpServer, file: Make) -> None:
    http.files = {"/docs/a.md": b"# A"}
    a = file()
    item = item_of(a)
    http.headers["ETag"] = '"two"'
    assert a.fetch(item).fingerprint == '"two"'


def test_a_file_that_is_not_there_is_not_found(http: HttpServer, file: Make) -> None:
    with pytest.raises(FileNotFoundError):
        item_of(file())
    with pytest.raises(FileNotFoundError):
        file().fetch(Item("a.md"))


@pytest.mark.parametrize(
    ("status", "after", "wait"),
    [(503, "7", 7.0), (429, "Thu, 01 Jan 1970 00:00:00 GMT", 0.0), (500, None, None)],
)
def test_an_answer_that_asks_to_wait_says_how_long(
    http: HttpServer, file: Make, status: int, after: str | None, wait: float | None
) -> None:
    http.script = lambda kind, key, _: Reply(status, headers={"Retry-After": after} if after else {})
    with pytest.raises(AnswerError) as raised:
        file().fetch(Item("a.md"))
    failure = Failure(raised.value)
    assert (failure.http_status, failure.retry_after) == (status, wait)
    assert len(http.log) == 1


def test_a_listing_waits_and_asks_again(
    http: HttpServer, file: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(answers.persistently, "__defaults__", (waits.append,))
    http.files = {"/docs/a.md": b"# A"}
    http.script = lambda kind, key, number: Reply(503, headers={"Retry-After": "2"}) if number < 3 else None
    assert item_of(file()).key == "a.md"
    assert waits == [2.0, 2.0]


def test_a_body_cut_short_is_a_lost_connection(http: HttpServer, file: Make) -> None:
    http.script = lambda kind, key, _: Reply(200, b"x" * 100, cut=50)
    with pytest.raises(ConnectionError, match="cut short"):
        file().fetch(Item("a.md"))


def test_a_compressed_answer_is_read_as_what_it_holds(http: HttpServer, file: Make) -> None:
    import gzip

    http.script = lambda kind, key, _: Reply(200, gzip.compress(b"# A"), {"Content-Encoding": "gzip"})
    assert file().fetch(Item("a.md")).open().read() == b"# A"
    assert http.requests[0][1]["Accept-Encoding"] == "identity"


def test_a_presigned_url_is_sent_as_it_is_signed(bucket: MotoBucket, file: Make) -> None:
    bucket.put("docs/a b+%20&.md", b"# A")
    signed = file(bucket.presigned("docs/a b+%20&.md"))
    item = item_of(signed)
    assert item.key == "a b+%20&.md"
    assert signed.fetch(item).open().read() == b"# A"


def test_a_token_is_sent_and_read_from_a_file(http: HttpServer, file: Make, tmp_path: Any) -> None:
    http.files = {"/docs/a.md": b"# A"}
    (tmp_path / "token").write_text("hunter2\n")
    item_of(file(bearer_token_file=tmp_path / "token"))
    assert http.requests[0][1]["Authorization"] == "Bearer hunter2"


def test_a_user_in_the_url_is_let_in(http: HttpServer, file: Make) -> None:
    http.files = {"/docs/a.md": b"# A"}
    item_of(file(f"{http.url.replace('://', '://me:hunter2@')}/docs/a.md"))
    assert http.requests[0][1]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_no_error_shows_user_info_or_query(http: HttpServer, file: Make, status: int) -> None:
    http.script = lambda kind, key, _: Reply(status)
    secret = file(f"{http.url.replace('://', '://me:hunter2@')}/docs/a.md?X-Amz-Signature=sesame")
    with pytest.raises(OSError, match="HTTP status") as raised:
        secret.fetch(Item("a.md"))
    shown = "".join(traceback.format_exception(raised.value)) + repr(secret) + secret.origin()
    assert "hunter2" not in shown
    assert "sesame" not in shown
    if status in (401, 403):
        assert "presigned URL has expired" in str(raised.value)


def test_a_server_that_is_not_there_shows_no_query_either(file: Make) -> None:
    nowhere = file("http://127.0.0.1:9/a.md?sig=sesame")
    with pytest.raises(ConnectionError) as raised:
        nowhere.fetch(Item("a.md"))
    assert "sesame" not in "".join(traceback.format_exception(raised.value))


def test_a_server_that_sends_nothing_is_a_timeout(http: HttpServer, file: Make) -> None:
    http.delay = 2.0
    with pytest.raises(TimeoutError):
        file(read_timeout=0.2).fetch(Item("a.md"))


def test_a_url_without_a_host_is_a_wrong_setting(file: Make) -> None:
    with pytest.raises(ConfigError, match="no host"):
        file("https:///a.md")
