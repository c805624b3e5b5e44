"""`batchwright run --executor dask`, with a scheduler and with a cluster of its own."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from psycopg import sql

from tests.cluster import Cluster
from tests.loading import BIG, Outcome, config_of, run, write_documents
from tests.support.command import Command, Ended, command
from tests.support.postgres import PostgresServer, free_port
from tests.support.tables import contents, rows

DEADLY = Path(__file__).with_name("deadly.py")
SETTINGS = ["--batch-size", "40", "--chunk-max-tokens", "128"]
LOCAL = "[executors.dask]\nworkers = 2\n"
CANARY = "c4n@ry/p:w%d"
FORMS = ("c4n@ry", "c4n%40ry", "%2Fp", "ry/p:", "w%25d")


def quiet(ended: Ended) -> None:
    assert "Traceback" not in ended.err, ended.err
    assert "distributed" not in ended.err, ended.err


def test_a_scheduler_given_on_the_command_line_is_used(
    cluster: Cluster, corpus: Path, tmp_path: Path, url: str, reference: Outcome
) -> None:
    where = ["--executor", "dask", "--scheduler", cluster.address]
    ended = command("run", str(corpus), "--to", url, *SETTINGS, *where, "--json", cwd=tmp_path)
    assert ended.code == 3, ended.err
    quiet(ended)
    assert ended.result["account"]["records"]["written"] == reference.account.records.written
    assert contents(url).differences(reference.contents) == []


def test_a_scheduler_that_is_not_there_is_an_error_in_a_line(corpus: Path, tmp_path: Path, url: str) -> None:
    (tmp_path / "batchwright.toml").write_text("[executors.dask]\nconnect_timeout = 1.0\n")
    address = f"tcp://127.0.0.1:{free_port()}"
    where = ["--executor", "dask", "--scheduler", address]
    ended = command("run", str(corpus), "--to", url, *where, cwd=tmp_path)
    assert ended.code == 1
    assert address in ended.err
    quiet(ended)


@pytest.mark.parametrize(
    ("settings", "arguments", "said"),
    [
        (
            '[executors.dask]\nschedulr = "tcp://127.0.0.1:1"\n',
            ["--executor", "dask"],
            "executors.dask.schedulr",
        ),
        ('[executors.dask]\nschedulr = "tcp://127.0.0.1:1"\n', ["--executor", "dask"], "scheduler"),
        ("", ["--executor", "dask", "--scheduler", "127.0.0.1:1"], "write tcp://HOST:PORT"),
        ("", ["--executor", "dask", "--scheduler", "tls://127.0.0.1:1"], "tls_ca_file"),
        ("", ["--executor", "dsk"], "dask"),
        ("", ["--scheduler", "tcp://127.0.0.1:1"], "'local' has none"),
        (LOCAL, ["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1"], "workers"),
    ],
)
def test_wrong_options_are_named(
    corpus: Path, tmp_path: Path, url: str, settings: str, arguments: list[str], said: str
) -> None:
    (tmp_path / "batchwright.toml").write_text(settings)
    ended = command("run", str(corpus), "--to", url, *arguments, cwd=tmp_path)
    assert ended.code == 2, ended.err
    assert said in ended.err
    quiet(ended)


def test_a_target_for_one_writer_is_refused_before_a_cluster_is_started(corpus: Path, tmp_path: Path) -> None:
    with Command(["run", str(corpus), "--to", "sqlite:///kb.db", "--executor", "dask"], tmp_path) as running:
        ended = running.ended()
    assert ended.code == 2
    assert "takes one writer" in ended.err
    assert running.children() == []
    quiet(ended)


# --- a cluster of its own -------------------------------------------------------------------------


def started(tmp_path: Path, corpus: Path, url: str) -> Command:
    (tmp_path / "batchwright.toml").write_text(LOCAL)
    return Command(["run", str(corpus), "--to", url, *SETTINGS, "--executor", "dask"], tmp_path)


def wait_for_rows(url: str, running: Command) -> None:
    deadline = time.monotonic() + 60
    while not contents(url).chunks:
        running.children()
        assert running.process.poll() is None, running.ended()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def many(tmp_path: Path, seed: int) -> Path:
    return write_documents(tmp_path / "many", seed, megabytes=6)


def test_a_cluster_of_its_own_listens_on_the_loopback_only_and_ends_with_the_run(
    many: Path, tmp_path: Path, url: str
) -> None:
    with started(tmp_path, many, url) as running:
        wait_for_rows(url, running)
        family = [psutil.Process(running.process.pid), *running.children()]
        listening = [
            connection.laddr
            for process in family
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM
        ]
        ended = running.ended()
        assert running.survivors() == []
    assert ended.code == 0, ended.err
    quiet(ended)
    assert len(listening) >= 3
    assert {address.ip for address in listening} == {"127.0.0.1"}


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_in_flight(many: Path, tmp_path: Path, url: str) -> None:
    with started(tmp_path, many, url) as running:
        wait_for_rows(url, running)
        running.send(signal.SIGINT, group=True)
        ended = running.ended()
        assert running.survivors() == []
    assert ended.code == 130, ended.err
    quiet(ended)
    assert "not attempted" in ended.out
    again = run(config_of(many, url))
    assert again.state == "done"
    assert not again.contents.pending


@pytest.mark.slow
def test_ctrl_c_while_the_cluster_starts_is_heard(many: Path, tmp_path: Path, url: str) -> None:
    with started(tmp_path, many, url) as running:
        running.wait_for_children(2)
        running.send(signal.SIGINT, group=True)
        ended = running.ended()
        assert running.survivors() == []
    assert ended.code == 130, ended.err
    quiet(ended)


@pytest.mark.slow
def test_the_workers_of_a_killed_run_end_and_the_next_run_completes_it(
    many: Path, tmp_path: Path, fresh: Callable[[], str]
) -> None:
    url = fresh()
    with started(tmp_path, many, url) as running:
        wait_for_rows(url, running)
        running.send(signal.SIGKILL)
        running.ended()
        assert running.survivors(timeout=20) == []
    with started(tmp_path, many, url) as running:
        assert running.ended(120).code == 0
    here = run(config_of(many, fresh()))
    assert contents(url).differences(here.contents) == []


@pytest.mark.slow
def test_a_partition_that_kills_every_worker_is_named_and_the_rest_accounted_for(
    tmp_path: Path, fresh: Callable[[], str], seed: int
) -> None:
    documents, url = write_documents(tmp_path / "docs", seed, megabytes=2), fresh()
    deadly = documents / "000004.md"
    deadly.write_text("DEADLY\n" + deadly.read_text())
    (tmp_path / "batchwright.toml").write_text(LOCAL)
    ended = command(
        *("run", str(documents), "--to", url.replace("postgresql:", "deadly:"), *SETTINGS),
        *("--executor", "dask", "--plugin", str(DEADLY)),
        cwd=tmp_path,
        environ={"DEADLY": "die", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"},
        timeout=110,
    )
    assert ended.code == 1, ended.err
    assert "workers die while they load partition" in ended.err
    assert "000004.md" in ended.err
    quiet(ended)
    [ledger] = rows(url, "knowledge_base_runs")
    assert ledger["state"] == "failed"
    counts = json.loads(ledger["account"])["documents"]
    assert sum(counts.values()) == len(list(documents.iterdir()))
    assert 0 < counts["not_attempted"] < sum(counts.values())
    deadly.unlink()
    again = run(config_of(documents, url))
    assert again.state == "done"
    assert not again.contents.pending


# --- nothing leaks --------------------------------------------------------------------------------


@pytest.fixture
def keeper(server: PostgresServer, url: str) -> str:
    """The URL of a role whose password is the canary."""
    with psycopg.connect(url, autocommit=True) as session:
        role = sql.Identifier(f"keeper_{url[-8:]}")
        create = sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}")
        session.execute(create.format(role, sql.Literal(CANARY)))
    address = urlsplit(url)
    return (
        f"postgresql://keeper_{url[-8:]}:c4n%40ry%2Fp%3Aw%25d@{address.hostname}:{address.port}{address.path}"
    )


@pytest.mark.parametrize("loud", [["-vv", "--log-json"], pytest.param([], marks=pytest.mark.slow)])
def test_no_password_reaches_any_output_though_tasks_fail(
    tmp_path: Path, keeper: str, seed: int, loud: list[str]
) -> None:
    documents = write_documents(tmp_path / "docs", seed)
    big = documents / BIG
    big.write_text("DEADLY\n" + big.read_text())
    target = keeper.replace("postgresql:", "deadly:")
    with Cluster(tmp_path / "cluster", {"DASK_LOGGING__DISTRIBUTED": "debug", "DEADLY": "leak"}) as cluster:
        cluster.complete(1)
        where = ["--executor", "dask", "--scheduler", cluster.address, "--plugin", str(DEADLY)]
        failed = command("run", str(documents), "--to", target, *SETTINGS, *where, *loud, cwd=tmp_path)
        assert failed.code == 1, failed.err
        gone = target.replace(urlsplit(target).path, "/nosuch")
        refused = command("run", str(documents), "--to", gone, *SETTINGS, *where, *loud, cwd=tmp_path)
        assert refused.code == 1, refused.err
        for worker in cluster.workers:
            worker.kill()
        cluster.start_worker({"DEADLY": "refuse"})
        shadow = tmp_path / "shadow" / "batchwright_dask"
        shadow.mkdir(parents=True)
        (shadow / "__init__.py").write_text("raise ModuleNotFoundError(__name__)\n")
        cluster.start_worker({"DEADLY": "refuse", "PYTHONPATH": str(shadow.parent)})
        cluster.workers = cluster.workers[-2:]
        cluster.wait()
        broken = command("run", str(documents), "--to", target, *SETTINGS, *where, *loud, cwd=tmp_path)
        assert broken.code == 1, broken.err
        assert "no worker of the cluster can load this run" in broken.err
        said = cluster.output
    assert "Compute Failed" in said, "no task failed, so this proves nothing"
    for text in (said, *failed[1:], *refused[1:], *broken[1:]):
        for form in FORMS:
            assert form not in text, text[max(0, text.find(form) - 300) :][:600]
