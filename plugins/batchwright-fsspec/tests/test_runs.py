"""From a bucket or a URL into a database: run, run again, change, break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batchwright_fsspec import answers

from batchwright import BatchConfig, BatchProcessor, RunResult, Target
from batchwright.errors import SourceError

from .conftest import MotoBucket
from .servers import HttpServer, Reply, S3Server, refusal

Load = Callable[..., RunResult]


def text(n: int, words: str = "are read") -> bytes:
    return f"# Title {n}\n\nThe words of document {n} {words}.\n".encode()


@pytest.fixture(params=["sqlite", "postgres"])
def to(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty target."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kb.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """An empty SQLite target."""
    return f"sqlite:///{tmp_path}/kb.db"


@pytest.fixture
def load(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads the bucket, after clearing the server's log."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")

    def load(to: str, **settings: Any) -> RunResult:
        s3.log.clear()
        sources = {"s3": {"endpoint_url": s3.url, **settings.pop("s3", {})}}
        return run("s3://bucket/docs", to, sources=sources, **settings)

    return load


def run(source: str, to: str, **settings: Any) -> RunResult:
    config = BatchConfig(source=source, to=to, reporters=[], **{"retry_cap": 0.05, **settings})
    with BatchProcessor(config) as processor:
        return processor.run()


def published(to: str, words: str = "words") -> dict[str, str]:
    """Return what a search finds, by key."""
    with Target(to) as target:
        return {hit.key: hit.excerpt for hit in target.search(words, limit=100)}


def test_a_bucket_is_loaded_and_again_only_what_changed_is_fetched(s3: S3Server, load: Load, to: str) -> None:
    s3.objects = {f"docs/{n}.md": text(n) for n in range(12)}
    first = load(to)
    assert (first.exit_code, first.collection, first.account.documents.added) == (0, "docs", 12)
    assert sorted(s3.asked("GET")) == sorted(s3.objects)

    again = load(to)
    assert (again.exit_code, again.account.documents.unchanged) == (0, 12)
    assert s3.asked("GET") == []

    s3.objects["docs/3.md"] = text(3, "have changed")
    changed = load(to)
    assert (changed.account.documents.changed, changed.account.documents.unchanged) == (1, 11)
    assert s3.asked("GET") == ["docs/3.md"]
    assert "have changed" in published(to)["3.md"]

    del s3.objects["docs/5.md"]
    assert load(to, prune=True).account.documents.deleted == 1
    assert s3.asked("GET") == []
    assert len(published(to)) == 11


def test_a_listing_that_breaks_off_prunes_nothing_and_the_next_run_completes(
    s3: S3Server, load: Load, sqlite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers.persistently, "__defaults__", (lambda seconds: None,))
    s3.objects, s3.page = {f"docs/{n:02}.md": text(n) for n in range(30)}, 3
    assert load(sqlite).exit_code == 0
    s3.objects = {key: body for key, body in s3.objects.items() if key != "docs/25.md"}
    s3.objects["docs/26.md"] = text(26, "have changed")
    s3.script = lambda kind, key, _: (
        refusal(503, "SlowDown") if (kind, key) == ("LIST", "docs/08.md") else None
    )
    broken = load(sqlite, prune=True)
    assert (broken.exit_code, broken.account.documents.deleted) == (1, 0)
    assert "SlowDown" in broken.reason
    assert len(published(sqlite)) == 30

    s3.script = lambda kind, key, _: None
    whole = load(sqlite, prune=True)
    assert (whole.exit_code, whole.account.documents.deleted, whole.account.documents.changed) == (0, 1, 1)
    assert s3.asked("GET") == ["docs/26.md"]


def test_a_store_that_asks_to_wait_is_waited_for(s3: S3Server, load: Load, sqlite: str) -> None:
    s3.objects = {f"docs/{n}.md": text(n) for n in range(4)}
    busy = refusal(503, "SlowDown", **{"Retry-After": "1"})
    s3.script = lambda kind, key, number: busy if key == "docs/2.md" and number < 3 else None
    result = load(sqlite)
    assert (result.exit_code, result.account.documents.added) == (0, 4)
    assert s3.asked("GET").count("docs/2.md") == 3


def test_an_object_that_changes_between_listing_and_fetching_is_fetched_once(
    s3: S3Server, load: Load, sqlite: str
) -> None:
    s3.objects = {"docs/a.md": text(1)}

    def changed_meanwhile(kind: str, key: str, number: int) -> None:
        if kind == "GET":
            s3.objects["docs/a.md"] = text(1, "have changed")

    s3.script = changed_meanwhile
    assert load(sqlite).account.documents.added == 1
    assert "have changed" in published(sqlite)["a.md"]
    assert load(sqlite).account.documents.unchanged == 1
    assert s3.asked("GET") == []


def test_an_object_that_is_gone_since_it_was_listed_fails_nothing(
    s3: S3Server, load: Load, sqlite: str
) -> None:
    s3.objects = {f"docs/{n}.md": text(n) for n in range(3)}
    s3.script = lambda kind, key, _: refusal(404, "NoSuchKey") if key == "docs/1.md" else None
    result = load(sqlite)
    assert (result.exit_code, result.account.documents.added, result.account.documents.failed) == (0, 2, 0)


def test_a_body_that_is_always_cut_short_costs_its_document_and_the_old_version_stays(
    s3: S3Server, load: Load, sqlite: str
) -> None:
    s3.objects = {f"docs/{n}.md": text(n) for n in range(3)}
    assert load(sqlite).exit_code == 0
    s3.objects["docs/1.md"] = text(1, "have changed")
    cut = Reply(200, s3.objects["docs/1.md"], cut=9)
    s3.script = lambda kind, key, _: cut if key == "docs/1.md" else None
    result = load(sqlite, max_retries=2, max_outage=1.0)
    assert result.exit_code == 3
    assert "are read" in published(sqlite)["1.md"]
    s3.script = lambda kind, key, number: cut if key == "docs/1.md" and number == 1 else None
    assert load(sqlite).account.documents.changed == 1
    assert "have changed" in published(sqlite)["1.md"]


def test_reading_processes_have_sources_of_their_own(s3: S3Server, load: Load, sqlite: str) -> None:
    s3.objects = {f"docs/{n:02}.md": text(n) for n in range(40)}
    result = load(sqlite, readers=2)
    assert (result.exit_code, result.account.documents.added) == (0, 40)


def test_a_presigned_url_is_loaded_and_nothing_shows_its_signature(
    bucket: MotoBucket, sqlite: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket.put("docs/a b?.md", text(1))
    url = bucket.presigned("docs/a b?.md")
    signature = url.partition("Signature=")[2].partition("&")[0]
    assert len(signature) > 10
    caplog.set_level(0)
    result = run(url, sqlite, collection="signed")
    assert (result.exit_code, result.account.documents.added) == (0, 1)
    assert list(published(sqlite)) == ["a b?.md"]
    with pytest.raises(SourceError, match="not there") as failed:
        run(url.replace("a%20b", "b%20a"), sqlite, collection="signed")
    with Target(sqlite) as target:
        kept = repr(target.runs()) + repr(target.status())
    out, err = capfd.readouterr()
    assert signature not in f"{result} {failed.value} {kept} {out} {err}"
    assert all(
        signature not in record.getMessage() for record in caplog.records if "batchwright" in record.name
    )


def test_the_content_type_picks_the_reader_of_a_url_without_an_ending(http: HttpServer, sqlite: str) -> None:
    http.files = {"/article": text(1)}
    assert run(f"{http.url}/article", sqlite).account.documents.added == 1
    assert list(published(sqlite)) == ["article"]


def test_of_ten_row_files_under_a_prefix_only_the_changed_one_is_fetched(
    s3: S3Server, load: Load, to: str
) -> None:
    def rows(file: int, words: str = "as it was") -> bytes:
        return b"id,words\n" + b"".join(f"{file}-{n},{words}\n".encode() for n in range(5))

    s3.objects = {f"docs/{file}.csv": rows(file) for file in range(10)}
    how: dict[str, Any] = {"patterns": ["*.csv"], "key": "id"}
    first = load(to, **how)
    assert (first.exit_code, first.account.documents.added) == (0, 50)

    again = load(to, **how)
    assert (again.exit_code, again.account.documents.unchanged) == (0, 50)
    assert s3.asked("GET") == []

    s3.objects["docs/7.csv"] = rows(7, "changed")
    changed = load(to, **how)
    assert (changed.account.documents.changed, changed.account.documents.unchanged) == (5, 45)
    assert set(s3.asked("GET")) == {"docs/7.csv"}

    del s3.objects["docs/3.csv"]
    assert load(to, prune=True, **how).account.documents.deleted == 5
    assert s3.asked("GET") == []
