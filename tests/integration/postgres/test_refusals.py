"""Servers and poolers that refuse a connection, in whatever words: a mistake at once, or an outage."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from batchwright import BatchConfig, BatchProcessor, SinkError
from batchwright.builtin.postgres import PostgresSink
from batchwright.builtin.postgres.faults import connecting
from batchwright.contracts.events import OutageStarted
from batchwright.engine import conclusion
from batchwright.engine.removing import forget_unreadable
from batchwright.secrets import describe
from tests.support.loads import Load, Watcher, config_of, run

_ENCRYPTED = (80877103, 80877104)  # the protocol's requests for TLS and GSSAPI


class Refuser:
    """Lets nobody in: answers each startup message with an error."""

    def __init__(self, listener: socket.socket, state: str, text: str) -> None:
        self.listener, self.state, self.text = listener, state, text
        self.attempts = 0
        self.url = f"postgresql://kim:pw@127.0.0.1:{listener.getsockname()[1]}/kb"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                with peer, suppress(OSError, struct.error):
                    peer.settimeout(5)
                    self._refuse(peer)

    def _refuse(self, peer: socket.socket) -> None:
        while True:
            length, code = struct.unpack("!II", peer.recv(8, socket.MSG_WAITALL))
            peer.recv(length - 8, socket.MSG_WAITALL) if length > 8 else b""
            if code not in _ENCRYPTED:
                break
            peer.sendall(b"N")
        self.attempts += 1
        fields = f"SFATAL\0VFATAL\0C{self.state}\0M{self.text}\0\0".encode()
        peer.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)
        with suppress(OSError):
            peer.recv(1)  # until the client has read it


@contextmanager
def refusing(state: str, text: str) -> Iterator[Refuser]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refuser = Refuser(listener, state, text)
        threading.Thread(target=refuser.serve, daemon=True).start()
        yield refuser


def opened(url: str) -> Exception:
    with pytest.raises((SinkError, ConnectionError)) as caught:
        PostgresSink(PostgresSink.options_type(url=SecretStr(url))).open()
    return caught.value


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("28P01", 'password authentication failed for user "kim"'),
        ("28P01", "Пользователь «kim» не прошёл проверку подлинности (по паролю)"),
        ("28000", "role « kim » n'est pas autorisé à se connecter"),
        ("3D000", "Datenbank »kb« existiert nicht"),
        ("XX000", "There is no such tenant here"),
        ("08P01", "unsupported startup parameter in options: search_path"),
    ],
)
def test_a_refusal_in_any_words_ends_at_once_with_its_words_and_advice(
    tmp_path: Path, state: str, text: str
) -> None:
    (tmp_path / "a.md").write_text("text\n")
    with refusing(state, text) as server:
        began = time.monotonic()
        config = BatchConfig(input_dir=tmp_path, to=server.url, collection="c")
        with pytest.raises(SinkError) as caught:
            BatchProcessor(config).run()
    assert time.monotonic() - began < 3
    assert text in str(caught.value)
    assert "check" in str(caught.value)
    assert server.attempts <= 2  # the second asks for the SQLSTATE


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("57P03", "the database system is starting up"),
        ("57P03", "das Datenbanksystem startet"),
        ("53300", "désolé, trop de clients sont déjà connectés"),
        ("08P01", "server login has been failing, try again later (server_login_retry)"),
    ],
)
def test_what_a_server_says_that_passes_may_pass(state: str, text: str) -> None:
    with refusing(state, text) as server:
        assert isinstance(opened(server.url), ConnectionError)


def test_a_refusal_that_nobody_knows_may_pass_where_the_server_let_in_before(postgres_url: str) -> None:
    sink = PostgresSink(PostgresSink.options_type(url=SecretStr(postgres_url)))
    sink.open().close()
    with refusing("XX000", "There is no such tenant here") as server:
        sink.options = sink.options.model_copy(update={"url": SecretStr(server.url)})
        with pytest.raises(ConnectionError, match="no such tenant"):
            sink.open()


@pytest.mark.parametrize("reached", [False, True])
@pytest.mark.parametrize(
    "said", ["failed to resolve host 'db': [Errno -3] Name or service not known", "SSL error: no such proxy"]
)
def test_a_way_to_the_server_that_breaks_is_a_mistake_at_first_contact_and_an_outage_later(
    said: str, reached: bool
) -> None:
    error = connecting(psycopg.OperationalError(said), (), reached=reached)
    assert isinstance(error, ConnectionError if reached else SinkError)


@pytest.mark.parametrize(
    "parameters",
    [
        "service=nowhere",
        "hostaddr=999.1.1.1",
        "sslnegotiation=direct",
        "host=127.0.0.1,127.0.0.1&port=1,2,3",
        "channel_binding=require",
        "require_auth=none",
    ],
)
def test_parameters_that_libpq_cannot_connect_with_end_at_once_with_advice(
    postgres_url: str, parameters: str
) -> None:
    error = opened(f"{postgres_url}{'&' if '?' in postgres_url else '?'}{parameters}")
    assert isinstance(error, SinkError)
    assert "; check" in describe(error)


def test_a_server_of_another_kind_than_demanded_may_be_promoted_and_the_demand_is_named(
    postgres_url: str,
) -> None:
    error = opened(f"{postgres_url}{'&' if '?' in postgres_url else '?'}target_session_attrs=standby")
    assert isinstance(error, ConnectionError)
    assert "target_session_attrs" in describe(error)


def test_a_statement_that_timed_out_says_what_to_raise(postgres_url: str) -> None:
    options = PostgresSink.options_type(url=SecretStr(postgres_url), statement_timeout=0.2)
    store = PostgresSink(options).open()
    with psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE knowledge_base_receipts")
        with pytest.raises(psycopg.errors.QueryCanceled) as caught:
            store.ledger.committed("1")
    store.close()
    assert describe(caught.value).count("raise statement_timeout") == 1


TAKEN_AWAY = {
    "the database": 'DROP DATABASE "{name}" WITH (FORCE)',
    "its name": 'ALTER DATABASE "{name}" RENAME TO "{name}_old"',
    "the user": "ALTER ROLE {user} NOLOGIN",
    "the password": "ALTER ROLE {user} PASSWORD 'another'",
    "the right to connect": 'REVOKE CONNECT ON DATABASE "{name}" FROM public, {user}',
}
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@pytest.fixture
def users_url(postgres_url: str) -> Iterator[str]:
    """A database whose schema belongs to a user of its own."""
    user = f"kim_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as session:
        session.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'pw'")
        session.execute(f"GRANT ALL ON SCHEMA public TO {user}")
    yield f"postgresql://{user}:pw@{postgres_url.rpartition('@')[2]}"
    admin, _, name = postgres_url.rpartition("/")
    with psycopg.connect(f"{admin}/postgres", autocommit=True) as session:
        for each in (name, f"{name}_old"):
            session.execute(f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)')
        session.execute(f"DROP ROLE {user}")


def taking_away(statement: str, postgres_url: str, users_url: str) -> Callable[[], None]:
    """Return what makes the server say no from then on, and ends the sessions that it let in."""
    admin, _, name = postgres_url.rpartition("/")
    user = users_url.partition("//")[2].partition(":")[0]

    def act() -> None:
        with psycopg.connect(f"{admin}/postgres", autocommit=True) as session:
            if "DATABASE" in statement:
                session.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM public')
                session.execute(END_SESSIONS, [name])
            session.execute(statement.format(name=name, user=user))
            session.execute(END_SESSIONS, [name])

    return act


@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_what_is_taken_away_in_the_middle_of_a_run_is_neither_waited_for_nor_tried_with_every_batch(
    tmp_path: Path, postgres_url: str, users_url: str, what: str
) -> None:
    for number in range(1000):
        (tmp_path / f"{number:03}.md").write_text(f"record {number:03}\n")
    act = taking_away(TAKEN_AWAY[what], postgres_url, users_url)
    load = Load(config_of(tmp_path, users_url, batch_size=1), Watcher(at=3, act=act))
    result = load.result(timeout=60)
    assert result.state == "failed"
    assert result.account.batches_failed == 1
    assert re.search("; (check|create|choose|let) ", result.reason)
    assert load.watcher.seen(OutageStarted) == 0


def test_a_database_that_is_gone_when_everything_is_stored_fails_the_run_and_keeps_its_account(
    tmp_path: Path, postgres_url: str, users_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("record\n")
    act = taking_away(TAKEN_AWAY["the database"], postgres_url, users_url)

    def tidying_up(*args: Any) -> None:
        act()
        forget_unreadable(*args)

    monkeypatch.setattr(conclusion, "forget_unreadable", tidying_up)
    result = run(config_of(tmp_path, users_url))
    assert (result.state, result.exit_code) == ("failed", 1)
    assert "does not exist" in result.reason
    assert (result.account.records.written, result.account.batches_failed) == (1, 0)
