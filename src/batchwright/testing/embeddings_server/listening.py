"""Listening on a port of the loopback, and refusing connections for a while without giving the port up."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

_POLL = 0.02  # seconds
_RESET = struct.pack("ii", 1, 0)  # linger for 0 s: closing sends RST
_BACKLOG = 256


class Listener:
    """Gives each connection a thread with a handler.

    Args:
        port: The port; 0 for any free one.
        handler: The class of handlers.

    Attributes:
        port: The port.
    """

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._handler = handler
        self._socket = _bound(port)
        self._socket.listen(_BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed_until = 0.0
        self._refusing = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="embeddings-server", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and break off every connection."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        self._break_off()

    def refuse(self, seconds: float) -> None:
        """Refuse connections for so many seconds, and break off those that stand; return when it is so."""
        with self._lock:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)
            self._refusing.clear()
        self._refusing.wait(5)

    def stands(self, connection: socket.socket) -> bool:
        """Tell whether a connection was not broken off."""
        with self._lock:
            return connection in self._connections

    def _serve(self) -> None:
        while not self._stopped.is_set():
            if time.monotonic() < self._closed_until:
                self._stay_closed()
            self._accept()

    def _stay_closed(self) -> None:
        self._socket.close()
        self._socket = _bound(self.port)  # bound, but listening to nobody: nobody else gets the port
        while time.monotonic() < self._closed_until and not self._stopped.is_set():
            self._break_off()
            self._refusing.set()
            time.sleep(_POLL)
        self._socket.listen(_BACKLOG)

    def _accept(self) -> None:
        self._socket.settimeout(_POLL)
        try:
            connection, address = self._socket.accept()
        except OSError:  # nobody came, or who came is gone
            return
        connection.settimeout(None)
        with self._lock:
            self._connections.add(connection)
        threading.Thread(target=self._handle, args=(connection, address), daemon=True).start()

    def _handle(self, connection: socket.socket, address: Any) -> None:
        try:
            with suppress(OSError):  # the client hung up, or was made to
                self._handler(connection, address, self)  # type: ignore[arg-type]  # asked for nothing
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _break_off(self) -> None:
        with self._lock:
            while self._connections:
                reset(self._connections.pop())


def reset(connection: socket.socket) -> None:
    """End a connection with a reset."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RD)
        connection.close()


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
