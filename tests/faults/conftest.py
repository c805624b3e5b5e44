"""Fixtures of the fault tests; each prints the seed it works from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import Databases
from tests.support.failpoints import Runner
from tests.support.targets import PostgresTarget, SqliteTarget, Target


@pytest.fixture(autouse=True)
def _tell_the_seed(seed: int) -> None:
    print(f"seed {seed}; the same again: --seed {seed}")


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """A process that forks children which kill themselves."""
    with Runner() as runner:
        yield runner


@pytest.fixture
def sqlite_target(tmp_path: Path) -> Target:
    return SqliteTarget(tmp_path)


@pytest.fixture
def postgres_target(postgres_server: Databases) -> Target:
    return PostgresTarget(postgres_server)


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest) -> Target:
    """Each of the two."""
    made: Target = request.getfixturevalue(f"{request.param}_target")
    return made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give them more time: a dozen kills take minutes on a busy machine."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture
def url(target: Target) -> Iterator[str]:
    """The URL of an empty target, of each of the two."""
    made = target.fresh()
    yield made
    target.drop(made)
