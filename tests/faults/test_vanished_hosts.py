"""A host that vanishes sends no RST: cable, power, a partition. Nobody waits for it for long.

The server is on one host, a run on another, and a switch between them is put out of order. Times of leases
are short here; those of the connections are the real ones.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from batchwright import BatchwrightError, Target
from tests.support.forked import ELSEWHERE, HURRIED, Forked, Order
from tests.support.leased import Gated, begin, documents, order
from tests.support.postgres import PostgresServer, PostgresTemplate
from tests.support.tables import TABLE, published, rows
from tests.support.two_hosts import CLIENT, SERVER, NoNetworks, TwoHosts, inside
from tests.support.two_runs import check_sound, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

IN_COPY = Path(__file__).parents[1] / "support/gate_in_copy.py"
KEEPALIVES = 20.0
"""Seconds after which each side of a connection gives the other one up."""

HELD = 120.0
"""And until batches are held: its retries come first. Each finds the host unreachable after some seconds."""

SLACK = 10.0
"""Seconds that a busy machine may take besides."""


class Place(NamedTuple):
    """The hosts, and the server on one of them.

    Attributes:
        hosts: Them.
        url: The database as the other host reaches it.
        local: The database through the server's socket, which no switch is between.
    """

    hosts: TwoHosts
    url: str
    local: str

    def far(self, folder: Path, *more: str) -> Order:
        """Return the order to run a folder on the host that has no server."""
        given = order(folder, self.url, *more)
        loud = tuple(argument for argument in given.arguments if argument != "-q")
        return replace(given, arguments=loud, network=self.hosts.client, owner=ELSEWHERE)

    def near(self, folder: Path, *more: str) -> Order:
        """Return the order to run a folder beside the server."""
        return replace(order(folder, self.local, *more), network=self.hosts.server)


class _Server(PostgresServer):
    """A server that takes connections from another host."""

    def __init__(self, template: PostgresTemplate) -> None:
        super().__init__(template, {"listen_addresses": f"127.0.0.1,{SERVER}"})
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {CLIENT}/32 scram-sha-256\n")


@pytest.fixture
def place(postgres_template: PostgresTemplate) -> Iterator[Place]:
    with ExitStack() as stack:
        try:
            hosts = stack.enter_context(TwoHosts())
        except NoNetworks as reason:
            pytest.skip(f"no network of several hosts can be made here: {reason}")
        with inside(hosts.server):
            server = stack.enter_context(_Server(postgres_template))
        with psycopg.connect(server.socket_dsn(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE kb TEMPLATE template0")
        yield Place(hosts, server.dsn("kb").replace("127.0.0.1", SERVER), server.socket_dsn("kb"))


class Clock:
    """Measures, and tells what it measured."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def within(self, seconds: float, what: str) -> float:
        """Check that it took no longer, and start again."""
        took, self._began = time.monotonic() - self._began, time.monotonic()
        print(f"{what}: {took:.1f} s")
        assert took < seconds, f"{what}: {took:.1f} s, not {seconds}"
        return took


def _held(run: Forked) -> bool:
    return "the sink seems to be down, holding batches" in run.said("err")


def _sessions(place: Place) -> int:
    with psycopg.connect(place.local, autocommit=True) as admin:
        there = (
            "SELECT count(*) FROM pg_stat_activity WHERE client_addr = $1::inet AND xact_start IS NOT NULL"
        )
        return int(admin.execute(there.replace("$1", "%s"), [CLIENT]).fetchall()[0][0])


def _finished(run: Forked, code: int) -> dict[str, object]:
    ended = run.ended()
    assert ended.code == code, ended
    return dict(ended.result)


def test_a_run_whose_server_vanished_holds_its_batches_and_goes_on(place: Place, tmp_path: Path) -> None:
    docs = documents(tmp_path / "docs", chunks=12)
    with Gated(place.far(docs)) as run:
        run.reached()
        place.hosts.cut()
        run.release()
        clock = Clock()
        wait_until(lambda: _held(run), "it is an outage", HELD)
        clock.within(HELD, "from the cut until batches are held")
        time.sleep(5)
        place.hosts.mend()
        clock = Clock()
        result = _finished(run, 0)
        clock.within(KEEPALIVES + SLACK, "from the link's return to the run's end")
    assert result["state"] == "done"
    assert result["account"]["batches_failed"] == 0  # type: ignore[index]
    check_sound(place.local, tmp_path)


def test_a_run_whose_server_vanished_is_interrupted_within_seconds(place: Place, tmp_path: Path) -> None:
    docs = documents(tmp_path / "docs", chunks=12)
    with Gated(place.far(docs)) as run:
        run.reached()
        place.hosts.cut()
        run.release()
        wait_until(lambda: _held(run), "it is an outage", HELD)
        clock = Clock()
        run.send(signal.SIGINT)
        _finished(run, 130)
        clock.within(1.5 * SLACK, "from SIGINT in an outage to the end")


def test_a_run_is_interrupted_while_it_waits_for_an_answer_from_a_server_that_vanished(
    place: Place, tmp_path: Path
) -> None:
    docs = documents(tmp_path / "docs", chunks=12)
    with Gated(place.far(docs)) as run:
        run.reached()
        place.hosts.cut()
        run.release()
        time.sleep(2)  # it has sent a batch, and hears nothing
        clock = Clock()
        run.send(signal.SIGINT)
        _finished(run, 130)
        clock.within(KEEPALIVES, "from SIGINT in a write to the end")


@pytest.mark.parametrize("in_flight", [0.5, 100.0], ids=["ended-by-the-takeover", "ended-by-keepalives"])
def test_the_run_of_a_host_that_vanished_inside_a_copy_is_replaced_and_commits_nothing_more(
    place: Place, tmp_path: Path, in_flight: float
) -> None:
    docs = documents(tmp_path / "docs", chunks=150)
    with Gated(place.far(docs), at=1, size=250, plugin=IN_COPY) as first:
        first.reached()
        place.hosts.cut()
        assert _sessions(place) == 1, "it is inside its transaction"
        documents(docs, "newer", chunks=100)
        clock = Clock()
        other = replace(place.near(docs, "--wait", "90"), times=replace(HURRIED, in_flight=in_flight))
        with begin(other) as second:
            assert _finished(second, 0)["state"] == "done"
        clock.within(90, f"takeover, patience {in_flight} s")
        after = published(place.local)
        assert sum(map(len, after.values())) >= 300
        place.hosts.mend()
        first.release()
        clock = Clock()
        result = _finished(first, 1)
        clock.within(60, "from the link's return to the end of the run that was replaced")
    assert result["state"] == "interrupted"
    assert str(result["reason"]).startswith("replaced by run "), result["reason"]
    assert published(place.local) == after
    assert rows(place.local, f"{TABLE}_rejects") == []
    check_sound(place.local, tmp_path)


@pytest.mark.parametrize("command", ["status", "search"])
def test_a_command_that_reads_ends_where_the_server_does_not_answer(
    place: Place, tmp_path: Path, command: str
) -> None:
    docs = documents(tmp_path / "docs")
    with begin(place.near(docs)) as first:
        _finished(first, 0)
    place.hosts.cut()
    arguments = (command, *(["word"] if command == "search" else []), "--to", place.url, "--json")
    clock = Clock()
    with begin(replace(place.far(docs), arguments=arguments)) as asking:
        assert asking.ended().code == 1
    clock.within(90, f"{command} without a server")


def test_a_program_that_asks_a_server_that_vanished_gets_an_error_and_later_an_answer(
    place: Place, tmp_path: Path
) -> None:
    docs = documents(tmp_path / "docs")
    with begin(place.near(docs)) as first:
        _finished(first, 0)
    with inside(place.hosts.client), Target(place.url) as kb:
        before = kb.status()
        assert before.published == 3
        place.hosts.cut()
        clock = Clock()
        with pytest.raises(BatchwrightError):
            kb.status()
        clock.within(HELD, "a question over an open connection without a server")
        place.hosts.mend()
        clock = Clock()
        assert kb.status() == before
        clock.within(SLACK, "the same question once the link is back")
