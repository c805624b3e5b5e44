"""Fetching objects: what was fetched is what the fingerprint says, whole or an error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from batchwright_fsspec import S3Source
from batchwright_fsspec.answers import AnswerError
from batchwright_fsspec.download import BLOCK

from batchwright import DocumentError, Item
from batchwright.contracts.failure import Failure

from .servers import Reply, S3Server, etag_of, refusal

Make = Callable[..., S3Source]
ITEM = Item("a.md", handle="docs/a.md", fingerprint="old")


def test_the_fingerprint_is_that_of_what_was_fetched(s3: S3Server, make: Make) -> None:
    s3.objects = {"docs/a.md": b"one"}
    docs = make()
    [item] = docs.list()
    s3.objects = {"docs/a.md": b"two"}
    fetched = docs.fetch(item)
    assert fetched.open().read() == b"two"
    assert fetched.fingerprint == etag_of(b"two") != item.fingerprint


def test_an_object_that_is_gone_since_it_was_listed_is_not_found(s3: S3Server, make: Make) -> None:
    with pytest.raises(FileNotFoundError, match=r"docs/a\.md"):
        make().fetch(ITEM)


def test_a_bucket_that_is_gone_is_no_missing_object(s3: S3Server, make: Make) -> None:
    s3.script = lambda kind, key, _: refusal(404, "NoSuchBucket")
    with pytest.raises(AnswerError, match="no such bucket"):
        make().fetch(ITEM)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 17])
def test_bodies_of_any_size_come_whole_by_one_request(s3: S3Server, make: Make, size: int) -> None:
    body = bytes(n % 251 for n in range(1000)) * (size // 1000 + 1)
    s3.objects = {"docs/a.md": body[:size]}
    fetched = make().fetch(ITEM)
    with fetched.open() as first, fetched.open() as second:
        assert second.read(10) == body[: min(size, 10)]
        assert first.read() == body[:size]
        assert second.read() == body[10:size]
        assert first.seek(-min(size, 5), 2) == size - min(size, 5)
        assert first.read() == body[max(0, size - 5) : size]
    assert s3.asked("GET") == ["docs/a.md"]


@pytest.mark.parametrize("size", [100, 3 * BLOCK])
def test_a_body_cut_short_is_a_lost_connection(s3: S3Server, make: Make, size: int) -> None:
    body = b"x" * size
    cut = Reply(200, body, {"ETag": '"whatever"'}, cut=size - 10)
    s3.script = lambda kind, key, _: cut
    with pytest.raises(ConnectionError):
        make().fetch(ITEM)


def test_bytes_that_differ_from_the_md5_are_a_lost_connection(s3: S3Server, make: Make) -> None:
    s3.script = lambda kind, key, _: Reply(200, b"damaged", {"ETag": f'"{etag_of(b"as it was")}"'})
    with pytest.raises(ConnectionError, match="check_md5 = false"):
        make().fetch(ITEM)
    assert make(check_md5=False).fetch(ITEM).open().read() == b"damaged"


@pytest.mark.parametrize(
    ("etag", "headers"),
    [
        (f"{etag_of(b'parts')}-3", {}),
        (etag_of(b"other"), {"x-amz-server-side-encryption": "aws:kms"}),
        (etag_of(b"other"), {"x-amz-server-side-encryption-customer-algorithm": "AES256"}),
    ],
    ids=["several parts", "KMS", "a key of the customer's"],
)
def test_an_etag_that_is_no_md5_is_only_a_fingerprint(
    s3: S3Server, make: Make, etag: str, headers: dict[str, str]
) -> None:
    s3.script = lambda kind, key, _: Reply(200, b"body", {"ETag": f'"{etag}"', **headers})
    fetched = make().fetch(ITEM)
    assert (fetched.open().read(), fetched.fingerprint) == (b"body", etag)


@pytest.mark.parametrize(
    ("status", "code", "after", "wait"),
    [(503, "SlowDown", "7", 7.0), (429, "TooManyRequests", "2", 2.0), (500, "InternalError", None, None)],
)
def test_an_answer_that_asks_to_wait_says_how_long(
    s3: S3Server, make: Make, status: int, code: str, after: str | None, wait: float | None
) -> None:
    s3.script = lambda kind, key, _: refusal(status, code, **({"Retry-After": after} if after else {}))
    with pytest.raises(AnswerError) as raised:
        make().fetch(ITEM)
    failure = Failure(raised.value)
    assert (failure.http_status, failure.retry_after) == (status, wait)
    assert len(s3.log) == 1  # the engine repeats it, and nobody else


@pytest.mark.parametrize(
    ("code", "says"), [("AccessDenied", "s3:GetObject"), ("InvalidObjectState", "restore")]
)
def test_an_object_that_may_not_be_read_costs_itself_only(
    s3: S3Server, make: Make, code: str, says: str
) -> None:
    s3.script = lambda kind, key, _: refusal(403, code)
    with pytest.raises(DocumentError, match=says) as raised:
        make().fetch(ITEM)
    assert raised.value.source_file == "a.md"


def test_a_token_that_expires_on_the_way_is_no_fault_of_the_object(s3: S3Server, make: Make) -> None:
    s3.script = lambda kind, key, _: refusal(400, "ExpiredToken")
    with pytest.raises(AnswerError, match="has expired") as raised:
        make().fetch(ITEM)
    assert Failure(raised.value).http_status == 400


def test_an_object_in_a_content_encoding_is_not_taken_for_text(s3: S3Server, make: Make) -> None:
    s3.script = lambda kind, key, _: Reply(200, b"\x1f\x8b", {"Content-Encoding": "gzip"})
    with pytest.raises(DocumentError, match="Content-Encoding gzip"):
        make().fetch(ITEM)


def test_a_server_that_sends_nothing_is_a_timeout(s3: S3Server, make: Make) -> None:
    s3.objects, s3.delay = {"docs/a.md": b"x"}, 2.0
    with pytest.raises(TimeoutError):
        make(read_timeout=0.2).fetch(ITEM)


def test_fetches_of_several_threads_run_at_the_same_time(s3: S3Server, make: Make) -> None:
    s3.objects = {f"docs/{n}.md": str(n).encode() for n in range(16)}
    together = threading.Barrier(16, timeout=20)

    def wait(kind: str, key: str, _: int) -> None:
        if kind == "GET":
            together.wait()

    docs = make()
    items = list(docs.list())
    s3.script = wait
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda item: docs.fetch(item).open().read(), items))
    assert sorted(found) == sorted(s3.objects.values())
