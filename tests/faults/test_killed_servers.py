"""The server is killed while it has the end of a COPY, and the COMMIT, and has answered neither."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor
from batchwright.builtin.postgres import copying, writing
from tests.support.corpus import write_corpus
from tests.support.postgres import PostgresServer
from tests.support.tables import batch_ids, contents
from tests.support.targets import PostgresTarget


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_killed_between_the_end_of_a_copy_and_its_reply_costs_nothing(
    own_postgres: PostgresServer,
    tmp_path: Path,
    seed: int,
    workers: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus = write_corpus(tmp_path / "corpus", seed, 12, sections=8)
    target = PostgresTarget(own_postgres)
    settings = {"batch_size": 16, "chunk_max_tokens": 24, "retry_cap": 0.05, "reporters": ()}

    def load(url: str) -> tuple[int, int]:
        values = {"input_dir": corpus, "to": url, "workers": workers, **settings}
        result = BatchProcessor(BatchConfig.model_validate(values)).run()
        assert result.state == "done", result.reason
        result.account.check()
        assert result.account.batches == len(batch_ids(url))
        return result.account.batches_failed, result.account.retries

    monkeypatch.setattr(writing, "COPY_FROM_ROWS", 1)
    undisturbed, url = target.fresh(), target.fresh()
    load(undisturbed)
    copies, copy_rows = itertools.count(1), copying.copy
    kills, one_at_a_time = {*random.Random(seed).sample(range(2, 9), 2)}, threading.Lock()

    def killing(
        connection: Any, text: bytes, blocks: Iterable[bytes], meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        def kill() -> None:
            if next(copies) in kills:
                with one_at_a_time:
                    own_postgres.kill()
                    own_postgres.start()
            meanwhile()

        copy_rows(connection, text, blocks, kill)

    monkeypatch.setattr(copying, "copy", killing)
    failed, retries = load(url)
    assert failed == 0
    assert retries >= 2
    assert contents(url).differences(contents(undisturbed)) == []
