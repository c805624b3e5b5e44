"""Fixtures for every test.

    postgres_url      the URL of an empty database of the test's own     on one server a session
    own_postgres      a running server of the test's own, to be stopped, killed and restarted
    postgres_server   the session's server, for a test that needs several databases
    postgres_template what servers are made from, for a test that needs several servers
    seed              the number that a test with randomness starts from; `--seed N` gives it again

With BATCHWRIGHT_TEST_DSN the session's server is the one named there. Nothing starts before a test asks.
"""

from __future__ import annotations

import os
import random
import signal
import uuid
from collections.abc import Generator, Iterator
from typing import Any

import hypothesis
import pytest

from tests.support.binaries import MissingBinaries
from tests.support.network import refuse_foreign_connections
from tests.support.postgres import UNHARMED, Databases, PostgresServer, PostgresTemplate

DSN_VARIABLE = "BATCHWRIGHT_TEST_DSN"

hypothesis.settings.register_profile("batchwright", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "batchwright")

_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--seed`."""
    parser.addoption("--seed", type=int, metavar="N", help="what the tests' randomness starts from")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Settles the seed; one that was asked for is Hypothesis' too. Lets an interrupt be one."""
    given: int | None = config.getoption("--seed")
    # pytest-xdist: this process runs a part of the session, and is handed its seed
    handed: dict[str, int] = getattr(config, "workerinput", {})
    drawn = handed.get("seed", random.SystemRandom().randrange(2**32))
    config.stash[_SEED] = drawn if given is None else given
    if given is not None and config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = str(given)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in the background of a script
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hands the seed to the processes among which pytest-xdist divides the session."""
    node.workerinput["seed"] = node.config.stash[_SEED]


def pytest_report_header(config: pytest.Config) -> str:
    """Prints the seed."""
    return f"seed: {config.stash[_SEED]} (the same again: --seed {config.stash[_SEED]})"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Prints the seed beside the failure of a test that uses it."""
    report = yield
    if report.failed and "seed" in getattr(item, "fixturenames", ()):
        report.sections.append(("seed", f"the same again: --seed {item.config.stash[_SEED]}"))
    return report


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What to start randomness from: the same in every test of a session, so that one run alone repeats."""
    return request.config.stash[_SEED]


@pytest.fixture(autouse=True, scope="session")
def _stay_on_this_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        refuse_foreign_connections(patch)
        yield


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[PostgresTemplate]:
    """An initdb'd data folder to make servers from: `with PostgresServer(postgres_template) as server:`."""
    try:
        template = PostgresTemplate()
    except MissingBinaries as missing:
        if DSN_VARIABLE in os.environ:
            pytest.skip(f"needs a server of its own, and {missing}")
        raise
    with template:
        yield template


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """The session's server, for all tests that leave it alone."""
    if dsn := os.environ.get(DSN_VARIABLE):
        if not dsn.startswith(("postgresql://", "postgres://")):
            pytest.fail(f"{DSN_VARIABLE} has to be a URL: postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        yield Databases(dsn)
        return
    with PostgresServer(request.getfixturevalue("postgres_template"), UNHARMED) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Databases) -> Iterator[str]:
    """The URL of an empty database, dropped after the test whoever is still connected."""
    name = f"batchwright_{uuid.uuid4().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture
def own_postgres(postgres_template: PostgresTemplate) -> Iterator[PostgresServer]:
    """A running server of the test's own, to do anything to."""
    with PostgresServer(postgres_template) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_ledgers_of_others(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has each test keep ledgers beside sinks in a folder of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
