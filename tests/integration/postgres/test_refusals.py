"""Servers and poolers that refuse a connection, in whatever words: a mistake at once, or an outage."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from batchwright import BatchConfig, BatchProcessor, SinkError
from batchwright.builtin.postgres import PostgresSink
from batchwright.contracts.events import OutageStarted
from tests.support.loads import Load, Watcher, config_of

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


def test_a_database_that_is_dropped_in_the_middle_of_a_run_is_not_waited_for(
    tmp_path: Path, postgres_url: str
) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.md").write_text(f"record {number:02}\n")
    admin, _, name = postgres_url.rpartition("/")

    def drop() -> None:
        with psycopg.connect(f"{admin}/postgres", autocommit=True) as session:
            session.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    load = Load(config_of(tmp_path, postgres_url, batch_size=2), Watcher(at=3, act=drop))
    began = time.monotonic()
    result = load.result(timeout=60)
    assert result.state == "failed"
    assert time.monotonic() - began < 20
    assert load.watcher.seen(OutageStarted) == 0
