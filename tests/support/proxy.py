"""A way to Postgres on the loopback that breaks at the moment of a commit.

It reads just enough of the wire protocol (version 3: a type byte, four bytes of length, the rest) to know
when a batch is about to commit: a "COMMIT", the end of a COPY that one follows in the same message, or the
Sync after the statement with a receipt in it.
Connect with sslmode=disable and gssencmode=disable.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Self

_RECEIPT = re.compile(rb'_receipts" \(batch_id|_e?(?:before|write)_[0-9a-f]{8}"\(')
_QUESTION = re.compile(rb"batch_id = ")


class Break(Enum):
    """What happens to a commit."""

    BEFORE = auto()
    """It never reaches the server."""
    HALF = auto()
    """The server commits; half of its answer arrives."""
    LOST = auto()
    """The server commits; nothing of its answer arrives."""
    AFTER = auto()
    """The answer arrives, and the connection is gone right after."""
    SILENT = auto()
    """It never reaches the server, and nobody says so: nothing is ever answered on this connection again."""
    DEAF = auto()
    """The server commits, its answer never arrives, and the connection stays open."""


_IS_SENT = frozenset({Break.HALF, Break.LOST, Break.AFTER, Break.DEAF})


class Proxy:
    """Forwards connections to a port of this machine; enter it to have it listen.

    Attributes:
        port: Where it listens.
        commits: Commits of batches that clients sent.
        questions: How often a client asked whether a batch was committed.
        epoch: How often it was silenced.
        refusing: While set, every connection is dropped at once.
    """

    def __init__(self, upstream: int, choose: Callable[[int], Break | None]) -> None:
        self._upstream = upstream
        self._choose = choose
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.commits = 0
        self.questions = 0
        self.epoch = 0
        self.refusing = threading.Event()

    def cut(self) -> None:
        """Cut every connection."""
        with self._lock:
            connections, self._open = self._open, []
        for connection in connections:
            _end(connection)

    def silence(self) -> None:
        """Forward nothing more on the connections that there are, and tell nobody."""
        self.epoch += 1

    def is_silent(self, epoch: int) -> bool:
        """Whether a connection of that epoch is silenced."""
        return epoch < self.epoch

    def committing(self) -> Break | None:
        """Count a commit; return what happens to it."""
        with self._lock:
            self.commits += 1
            return self._choose(self.commits)

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusing.is_set():
                    # with a reset: an orderly end would tell one that cancels that its request arrived
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._upstream), timeout=10)
                server.settimeout(None)
                for peer in (client, server):  # else each message waits for the one before to be acknowledged
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open += [client, server]
                link = _Link(self, client, server)
                self._spawn(link.forward_requests)
                self._spawn(link.forward_answers)

    def _spawn(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="proxy", daemon=True).start()


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._breaking: Break | None = None
        self._in_transaction = False
        self._receipts: set[bytes] = set()  # prepared statements that store one
        self._questions: set[bytes] = set()  # and those that ask for one
        self._stores = False
        self._is_copying = False  # and commits when that is done
        self._epoch = proxy.epoch

    def forward_requests(self) -> None:
        with contextlib.suppress(OSError, struct.error), contextlib.ExitStack() as stack:
            stack.callback(self._end)
            requests = _messages(self._client, startup=True)
            for kind, message in requests:
                if self._commits(kind, message):
                    self._breaking = self._proxy.committing()
                    if self._breaking is Break.BEFORE:
                        return
                    if self._breaking is Break.SILENT:
                        for _ in requests:  # swallowed
                            pass
                        return
                if not self._proxy.is_silent(self._epoch):
                    self._server.sendall(message)

    def forward_answers(self) -> None:
        with contextlib.suppress(OSError, struct.error), contextlib.ExitStack() as stack:
            stack.callback(self._end)
            held = b""
            for kind, message in _messages(self._server):
                if self._proxy.is_silent(self._epoch):
                    continue
                if self._breaking is None:
                    self._client.sendall(message)
                    continue
                held += message
                if kind != b"Z":
                    continue
                match self._breaking:
                    case Break.HALF:
                        self._client.sendall(held[: len(held) // 2])
                        return
                    case Break.AFTER:
                        self._client.sendall(held)
                        return
                    case Break.LOST:
                        return
                    case _:
                        threading.Event().wait(120)  # deaf, until the test ends
                        return

    def _commits(self, kind: bytes, message: bytes) -> bool:
        match kind:
            case b"Q":
                text = message[5:-1].upper()
                if text.startswith(b"BEGIN"):
                    self._in_transaction = True
                elif text.startswith(b"COPY"):
                    self._is_copying = text.endswith(b"COMMIT")
                elif text in (b"COMMIT", b"ROLLBACK"):
                    stored, self._stores, self._in_transaction = self._stores, False, False
                    return stored and text == b"COMMIT"
            case b"P":
                name, text = message[5:].split(b"\0")[:2]
                if text.startswith(b"BEGIN"):
                    self._in_transaction = True
                elif text == b"COMMIT":  # the server commits as soon as it has this, before the Sync
                    stored, self._stores, self._in_transaction = self._stores, False, False
                    return stored
                for known, marks in ((self._receipts, _RECEIPT), (self._questions, _QUESTION)):
                    (known.add if marks.search(text) else known.discard)(name)
            case b"B":
                name = message[5:].split(b"\0")[1]
                self._stores |= name in self._receipts
                self._proxy.questions += name in self._questions
            case b"c" if self._is_copying:
                stored, self._stores, self._in_transaction = self._stores, False, False
                return stored
            case b"S" if self._stores and not self._in_transaction:
                self._stores = False
                return True
            case _:
                pass
        return False

    def _end(self) -> None:
        _end(self._client)
        _end(self._server)


def _messages(peer: socket.socket, *, startup: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and bytes of each message; what comes first from a client has no type."""
    stream = peer.makefile("rb")
    while True:
        kind = b"" if startup else stream.read(1)
        length = stream.read(4)
        if len(length) < 4:
            return
        rest = stream.read(struct.unpack("!I", length)[0] - 4)
        yield kind, kind + length + rest
        startup = False


def _end(peer: socket.socket) -> None:
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
    peer.close()
