"""Fixtures: a Postgres, and a cluster that is made whole again for each test."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.loading import Outcome, config_of, run, write_documents
from tests.support.postgres import UNHARMED, PostgresServer, PostgresTemplate
from tests.support.targets import PostgresTarget

SEED = "BATCHWRIGHT_TEST_SEED"


@pytest.fixture(scope="session")
def seed() -> int:
    """What randomness starts from; said beside a failure."""
    number = int(os.environ.get(SEED) or random.SystemRandom().randrange(2**32))
    print(f"the same again: {SEED}={number}")
    return number


@pytest.fixture(scope="session")
def template() -> Iterator[PostgresTemplate]:
    with PostgresTemplate() as template:
        yield template


@pytest.fixture(scope="session")
def server(template: PostgresTemplate) -> Iterator[PostgresServer]:
    with PostgresServer(template, UNHARMED) as server:
        yield server


@pytest.fixture
def fresh(server: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes empty databases; returns their URLs."""
    target, made = PostgresTarget(server), list[str]()

    def make() -> str:
        made.append(target.fresh())
        return made[-1]

    yield make
    for url in made:
        target.drop(url)


@pytest.fixture
def url(fresh: Callable[[], str]) -> str:
    """The URL of an empty database."""
    return fresh()


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, seed: int) -> Path:
    """Documents, bad ones among them; leave them alone."""
    return write_documents(tmp_path_factory.mktemp("corpus") / "docs", seed, bad=True)


@pytest.fixture(scope="session")
def reference(server: PostgresServer, corpus: Path) -> Outcome:
    """What loading the corpus in this process leaves behind."""
    return run(config_of(corpus, server.create_database("reference")))


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster: Cluster) -> Cluster:
    """A scheduler and two workers."""
    _cluster.complete()
    return _cluster
