"""Listing a bucket: in order, page by page, all or an error."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from batchwright_fsspec import S3Source, answers
from batchwright_fsspec.answers import AnswerError

from batchwright import ConfigError
from batchwright.contracts.failure import Failure
from batchwright.documents import Selection

from .conftest import MotoBucket, source
from .servers import Reply, S3Server, refusal

HOSTILE = [
    "/slash.md",
    " space.md",
    "../up.md",
    "a ?[*#%25+&=<>'\".md",
    "a::b.md",
    "b\x01.md",
    "b\u0301e\u0301.md",
    "b/c.md",
    "x" * 900 + ".md",
    "\uff5e.md",
    "\U0001f600.md",
]

Make = Callable[..., S3Source]


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, which take no time."""
    waits: list[float] = []
    monkeypatch.setattr(answers.persistently, "__defaults__", (waits.append,))
    return waits


def keys(source: S3Source, after: str = "", until: str | None = None) -> list[str]:
    return [item.key for item in source.list(after, until)]


def test_keys_are_listed_in_code_point_order_and_fetched_whatever_their_characters(
    bucket: MotoBucket,
) -> None:
    for key in reversed(HOSTILE):
        bucket.put(f"docs/{key}", key.encode())
    docs = bucket.source("docs/")
    items = list(docs.list())
    assert [item.key for item in items] == sorted(HOSTILE)
    assert [docs.fetch(item).open().read() for item in items] == [item.key.encode() for item in items]
    assert all(item.fingerprint and docs.fetch(item).fingerprint == item.fingerprint for item in items)
    docs.close()


@pytest.mark.parametrize("prefix", ["docs", "docs/"])
def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name(bucket: MotoBucket, prefix: str) -> None:
    for key in ("docs/", "docs/a.md", "docs/sub/", "docs/sub/b.md", "docs-old/c.md", "docs.md"):
        bucket.put(key, b"x")
    docs = bucket.source(prefix)
    assert keys(docs) == ["a.md", "sub/b.md"]
    docs.close()


def test_an_object_by_its_whole_key_is_the_only_item(bucket: MotoBucket) -> None:
    for key in ("docs/a?x=[1].md", "docs/a?x=[1].md.bak", "docs/a"):
        bucket.put(key, b"x")
    docs = bucket.source("docs/a?x=[1].md")
    assert [(item.key, item.handle) for item in docs.list()] == [("a?x=[1].md", "docs/a?x=[1].md")]
    docs.close()


def test_only_what_is_selected_is_listed_and_the_rest_counted(s3: S3Server, make: Make) -> None:
    s3.objects = dict.fromkeys(["docs/a.md", "docs/b.csv", "docs/.c.md", "docs/venv/d.md"], b"x")
    docs, named = make(), make("docs/b.csv")
    docs.selection = named.selection = Selection()
    assert keys(docs) == ["a.md"]
    assert docs.selection.left_out.counts.total() == 3
    assert keys(named) == ["b.csv"]


def test_a_whole_bucket_is_listed(bucket: MotoBucket) -> None:
    bucket.put("a.md", b"x")
    bucket.put("b/c.md", b"x")
    whole = bucket.source()
    assert keys(whole) == ["a.md", "b/c.md"]
    whole.close()


def test_a_part_of_a_listing_asks_for_no_more_pages_than_it_needs(s3: S3Server, make: Make) -> None:
    s3.objects, s3.page = {f"docs/{n:02}.md": b"x" for n in range(30)}, 3
    assert keys(make(), after="09.md", until="13.md") == ["10.md", "11.md", "12.md", "13.md"]
    assert s3.asked("LIST") == ["docs/09.md", "docs/12.md"]


def test_a_listing_is_streamed(s3: S3Server, make: Make) -> None:
    s3.objects, s3.page = {f"docs/{n:02}.md": b"x" for n in range(30)}, 3
    assert next(make().list()).key == "00.md"
    assert s3.asked("LIST") == [""]


def test_a_page_that_keeps_failing_ends_the_listing_with_an_error(
    s3: S3Server, make: Make, no_waiting: list[float]
) -> None:
    s3.objects, s3.page = {f"docs/{n:02}.md": b"x" for n in range(30)}, 3
    s3.script = lambda kind, key, _: refusal(503, "SlowDown") if key == "docs/08.md" else None
    listed: list[str] = []
    with pytest.raises(AnswerError, match="SlowDown") as raised:
        listed.extend(item.key for item in make().list())
    assert Failure(raised.value).http_status == 503
    assert s3.asked("LIST").count("docs/08.md") == 4
    assert no_waiting == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    "failing",
    [
        refusal(503, "SlowDown", **{"Retry-After": "3"}),
        Reply(200, b"<ListBucketResult><IsTruncated>tr", {"Content-Type": "application/xml"}),
        Reply(200, b"<ListBucketResult>" + b" " * 5000, cut=3000),
    ],
    ids=["refused", "half an answer", "cut off"],
)
def test_a_page_that_fails_once_is_asked_for_again(
    s3: S3Server, make: Make, no_waiting: list[float], failing: Reply
) -> None:
    s3.objects, s3.page = {f"docs/{n:02}.md": b"x" for n in range(9)}, 3
    s3.script = lambda kind, key, number: failing if (key, number) == ("docs/05.md", 1) else None
    assert len(keys(make())) == 9
    assert no_waiting == [3.0 if failing.status == 503 else 0.5]


def test_a_store_without_order_is_an_error_unless_it_is_said(s3: S3Server, make: Make) -> None:
    s3.objects = {"docs/a.md": b"x", "docs/b.md": b"x"}
    s3.order = lambda key: [-ord(character) for character in key]
    with pytest.raises(OSError, match="ordered = false"):
        keys(make())
    unordered = make(ordered=False)
    assert not unordered.sorted
    assert keys(unordered) == ["b.md", "a.md"]
    assert keys(unordered, after="a.md") == ["b.md"]


def test_a_directory_bucket_is_known_to_have_no_order() -> None:
    assert not source("http://127.0.0.1:9", "s3://docs--use1-az4--x-s3/").sorted


def test_a_page_that_leads_back_to_itself_is_an_error(s3: S3Server, make: Make) -> None:
    page = (
        b"<ListBucketResult><IsTruncated>true</IsTruncated>"
        b"<NextContinuationToken>same</NextContinuationToken></ListBucketResult>"
    )
    s3.script = lambda kind, key, _: Reply(200, page, {"Content-Type": "application/xml"})
    with pytest.raises(OSError, match="breaks off"):
        keys(make())


def test_time_and_size_are_the_fingerprint_where_there_is_no_etag(s3: S3Server, make: Make) -> None:
    s3.objects, s3.etags = {"docs/a.md": b"four"}, False
    docs = make()
    [item] = docs.list()
    assert item.fingerprint == "1795608000 4"
    assert docs.fetch(item).fingerprint == item.fingerprint


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (403, "AccessDenied", "s3:ListBucket"),
        (400, "ExpiredToken", "has expired"),
        (403, "SignatureDoesNotMatch", "secret does not belong"),
        (403, "InvalidAccessKeyId", "does not know the access key"),
        (404, "NoSuchBucket", "no such bucket"),
    ],
)
def test_what_will_not_pass_is_said_at_once_and_without_secrets(
    s3: S3Server, make: Make, status: int, code: str, says: str
) -> None:
    s3.script = lambda kind, key, _: refusal(status, code)
    with pytest.raises(AnswerError, match=says) as raised:
        keys(make())
    assert raised.value.status_code == status
    assert "wJalr" not in str(raised.value)
    assert "AKID" not in str(raised.value)
    assert len(s3.log) == 1


def test_a_server_that_is_not_there_is_a_connection_error(no_waiting: list[float]) -> None:
    nowhere = source("http://127.0.0.1:9", "s3://bucket/docs/")
    with pytest.raises(ConnectionError):
        keys(nowhere)
    nowhere.close()


def test_without_keys_it_says_where_they_come_from(s3: S3Server) -> None:
    keyless = source(s3.url, "s3://bucket/docs/", access_key_id=None, secret_access_key=None)
    with pytest.raises(ConfigError, match="anon = true"):
        keys(keyless)
    keyless.close()


def test_keys_come_from_files(s3: S3Server, make: Make, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "key").write_text("FROMFILE\n")
    (folder / "secret").write_text("secret\n")
    keys(
        make(
            access_key_id=None,
            secret_access_key=None,
            access_key_id_file=folder / "key",
            secret_access_key_file=folder / "secret",
        )
    )
    assert "Credential=FROMFILE/" in s3.requests[0][1]["Authorization"]


@pytest.mark.slow
def test_ten_thousand_objects_are_listed_each_once(bucket: MotoBucket) -> None:
    names = [f"docs/{n:05}.md" for n in range(10_000)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: bucket.put(name, b"x"), names))
    docs = bucket.source("docs/")
    assert [item.handle for item in docs.list()] == names
    docs.close()
