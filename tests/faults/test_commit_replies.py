"""The way to Postgres breaks around a COMMIT: no row twice, none lost, the ledger asked, not rewritten."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from batchwright import Account, BatchConfig, BatchProcessor, ErrorRecoveryAction, Failure, Verdict, hookimpl
from batchwright.engine.result import RunResult
from batchwright.engine.store.policy import DeliveryPolicy
from tests.support.corpus import write_corpus
from tests.support.loads import Watcher
from tests.support.postgres_locks import others, wait_for_silence
from tests.support.proxy import Break, Proxy
from tests.support.tables import Contents, batch_ids, contents, rows
from tests.support.targets import Target

STORES = 2
"""The writer's, and the run's own."""

COMMITTED = {Break.HALF, Break.LOST, Break.AFTER, Break.DEAF}

Load = Callable[..., tuple[RunResult, str, Proxy]]


@pytest.fixture
def corpus(tmp_path: Path, seed: int) -> Path:
    return write_corpus(tmp_path / "corpus", seed, 12, sections=12)


def _config(corpus: Path, url: str, **settings: object) -> BatchConfig:
    values = {"batch_size": 16, "chunk_max_tokens": 24, "retry_cap": 0.05, "reporters": (), **settings}
    return BatchConfig.model_validate({"input_dir": corpus, "to": url, **values})


@pytest.fixture
def expected(corpus: Path, postgres_target: Target) -> Iterator[Contents]:
    """What an undisturbed run leaves."""
    url = postgres_target.fresh()
    assert BatchProcessor(_config(corpus, url)).run().state == "done"
    yield contents(url)
    postgres_target.drop(url)


@pytest.fixture
def load(corpus: Path, postgres_url: str) -> Load:
    """Load through a proxy, and check what every load has to show."""

    def load(
        choose: Callable[[int], Break | None],
        seen: list[Proxy] | None = None,
        plugins: Sequence[object] = (),
        reporters: Sequence[Watcher] = (),
        **settings: object,
    ) -> tuple[RunResult, str, Proxy]:
        address = urlsplit(postgres_url)
        assert address.port is not None
        with Proxy(address.port, choose) as proxy:
            if seen is not None:
                seen.append(proxy)
            netloc = address.netloc.replace(f":{address.port}", f":{proxy.port}")
            through = address._replace(netloc=netloc, query="sslmode=disable&gssencmode=disable").geturl()
            config = _config(corpus, through, **settings)
            policy = replace(DeliveryPolicy.of(config), grace=0.3)
            result = BatchProcessor(config, policy=policy, plugins=plugins, reporters=reporters).run()
        result.account.check()
        return result, postgres_url, proxy

    return load


@pytest.mark.parametrize("batch_size", [16, 250])  # one statement a batch; COPY in a transaction
@pytest.mark.parametrize("kind", [Break.BEFORE, Break.HALF, Break.LOST, Break.AFTER])
def test_a_connection_cut_around_a_commit_neither_loses_nor_doubles(
    load: Load, expected: Contents, kind: Break, batch_size: int
) -> None:
    result, url, proxy = load(lambda n: kind if n == 1 or n == 3 else None, batch_size=batch_size)

    assert result.state == "done", result.reason
    assert contents(url).differences(expected) == []
    account = result.account
    assert account.batches == len(batch_ids(url))
    assert (account.batches_failed, account.records.failed) == (0, 0)
    cuts = 1 + (proxy.commits >= 3)
    if kind is Break.AFTER:  # the answer was whole: it is the next batch that finds the connection gone
        assert account.retries <= cuts
        assert proxy.commits == account.batches
    else:
        assert account.retries == cuts
        assert proxy.questions >= cuts
        # what had committed was not sent again
        assert proxy.commits == account.batches + (0 if kind in COMMITTED else cuts)


def test_cuts_at_random_commits_of_parallel_writers_neither_lose_nor_double(
    load: Load, expected: Contents, seed: int
) -> None:
    random_ = random.Random(seed)
    kinds = [Break.BEFORE, Break.HALF, Break.LOST, Break.AFTER]
    result, url, _ = load(
        lambda n: random_.choice(kinds) if random_.random() < 0.3 else None,
        batch_size=7,
        workers=3,
        max_retries=8,
    )
    assert result.state == "done", result.reason
    assert contents(url).differences(expected) == []
    assert result.account.batches == len(batch_ids(url))


@pytest.mark.parametrize("kind", [Break.SILENT, Break.DEAF])
def test_a_connection_that_goes_silent_costs_a_deadline_and_no_row(
    load: Load, expected: Contents, kind: Break
) -> None:
    started = time.monotonic()
    result, url, proxy = load(lambda n: kind if n == 4 else None, batch_timeout=0.5)

    assert time.monotonic() - started < 20
    assert result.state == "done", result.reason
    assert (result.account.batches_failed, result.account.records.failed) == (0, 0)
    assert contents(url).differences(expected) == []
    # where the commit came through, the ledger knew; else the batch had one more try, on another connection
    assert proxy.commits == result.account.batches + (kind is Break.SILENT)


def test_when_every_connection_goes_silent_the_run_ends_and_the_ledger_knows(
    load: Load, expected: Contents
) -> None:
    proxies: list[Proxy] = []

    def silence(commits: int) -> Break | None:
        if commits == 4:
            proxies[0].silence()
        return None

    started = time.monotonic()
    result, url, _ = load(silence, seen=proxies, batch_timeout=0.5, workers=2)

    assert time.monotonic() - started < 30
    assert result.account.batches_failed <= 2
    [run] = rows(url, "knowledge_base_runs")
    assert run["state"] == result.state
    account = Account.from_dict(json.loads(run["account"]))
    assert account.records.written == result.account.records.written


class Verdicts:
    """A plugin: says the same of every error."""

    def __init__(self, action: ErrorRecoveryAction, act: Callable[[], object] = lambda: None) -> None:
        self._verdict = Verdict(action, "a test says so")
        self._act = act
        self.asked = 0

    @hookimpl
    def classify_error(self, failure: Failure) -> Verdict:
        self.asked += 1
        self._act()
        return self._verdict


@pytest.mark.parametrize("batch_size", [16, 250])
@pytest.mark.parametrize("action", [ErrorRecoveryAction.FAIL, ErrorRecoveryAction.SKIP])
def test_whatever_the_verdict_on_a_lost_reply_what_is_stored_is_written_once_and_counted(
    load: Load, expected: Contents, action: ErrorRecoveryAction, batch_size: int
) -> None:
    verdicts = Verdicts(action)
    result, url, proxy = load(
        lambda n: Break.LOST if n == 1 else None, plugins=[verdicts], batch_size=batch_size
    )

    assert verdicts.asked == 1
    assert result.state == "done", result.reason
    assert contents(url).differences(expected) == []
    account = result.account
    assert (account.batches_failed, account.records.failed, account.records.rejected) == (0, 0, 0)
    assert proxy.commits == account.batches == len(batch_ids(url))


def test_a_connection_that_was_hung_up_on_gives_way_to_one_that_is_asked_whatever_the_verdict(
    load: Load, expected: Contents
) -> None:
    """The server commits and answers nothing; cancelling fails as well, but the next connection is there."""
    proxies: list[Proxy] = []

    def deafen(commits: int) -> Break | None:
        if commits != 3:
            return None
        proxies[0].refusing.set()
        return Break.DEAF

    verdicts = Verdicts(ErrorRecoveryAction.FAIL, lambda: proxies[0].refusing.clear())
    result, url, proxy = load(deafen, seen=proxies, plugins=[verdicts], batch_timeout=0.5, workers=1)

    assert verdicts.asked == 1
    assert result.state == "done", result.reason
    assert contents(url).differences(expected) == []
    assert proxy.commits == result.account.batches


def test_a_batch_that_has_not_committed_fails_where_the_verdict_says_so_and_only_it(
    load: Load, expected: Contents
) -> None:
    verdicts = Verdicts(ErrorRecoveryAction.FAIL)
    result, url, proxy = load(lambda n: Break.BEFORE if n == 3 else None, plugins=[verdicts], workers=1)

    assert result.state == "failed"
    assert (result.account.batches, result.account.batches_failed) == (2, 1)
    assert proxy.commits == 3
    assert len(batch_ids(url)) == 2


@pytest.mark.parametrize("kind", [Break.SILENT, Break.DEAF, Break.HALF])
def test_a_store_that_lost_its_connection_is_closed_and_none_is_left_behind(
    load: Load, postgres_url: str, kind: Break
) -> None:
    """One that was cancelled in vain too, together with the thread that waits for its answer."""
    seen: list[int] = []

    def look() -> None:
        deadline = time.monotonic() + 5
        while (count := len(others(postgres_url))) > STORES and time.monotonic() < deadline:
            time.sleep(0.02)  # what was cut ends a little later, and so do the sessions that count
        seen.append(count)

    # one writer: of two, one might have its second try cut as well, and then its batch fails
    result, url, proxy = load(
        lambda n: kind if n % 4 == 0 and n <= 20 else None,
        reporters=[Watcher(25, look)],
        workers=1,
        batch_size=7,
        batch_timeout=0.5,
    )

    assert result.state == "done", result.reason
    assert proxy.commits > 20  # so that five were cut
    assert seen
    assert seen[0] <= STORES
    wait_for_silence(url)
    deadline = time.monotonic() + 5
    while _calls() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _calls() == []


def _calls() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "batchwright-call"]
