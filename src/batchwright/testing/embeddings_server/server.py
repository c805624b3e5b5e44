"""The server, in threads of this process."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, Self

from batchwright.testing.embeddings_server.answers import Answer, answer, refusal, token_counter
from batchwright.testing.embeddings_server.faults import Script, ServerFault
from batchwright.testing.embeddings_server.listening import Listener, reset
from batchwright.testing.embeddings_server.log import Asked, Log
from batchwright.testing.embeddings_server.settings import ServerSettings


class EmbeddingsServer:
    """Answers ``POST …/embeddings``, at whatever path. Begins and ends with `with`.

    ``PUT /script`` with a list of faults as JSON replaces those it has.

    Args:
        faults: What goes wrong.
        settings: How it is when nothing goes wrong; None for the defaults.
        port: The port; 0 for any free one.
        log: A file to write the requests to as well; a server that takes another's place goes on in it.
    """

    def __init__(
        self,
        faults: Iterable[ServerFault] = (),
        settings: ServerSettings | None = None,
        *,
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self.settings = settings or ServerSettings()
        self._script = Script(faults)
        self._script_lock = threading.Lock()
        self._log = Log(log)
        self._listener = Listener(port, type("Handler", (_Handler,), {"server_of_it": self}))

    @property
    def port(self) -> int:
        """The port."""
        return self._listener.port

    @property
    def url(self) -> str:
        """The base URL, as a client of OpenAI's API wants it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> list[Asked]:
        """All requests so far, as they came."""
        return self._log.requests

    def set_faults(self, *faults: ServerFault) -> None:
        """Have other things go wrong from now on."""
        with self._script_lock:
            self._script = Script(faults)

    def refuse(self, seconds: float) -> None:
        """Reset all connections, and refuse new ones for so many seconds."""
        self._listener.refuse(seconds)

    def __enter__(self) -> Self:
        if self.settings.counts:
            token_counter()("")  # loads a vocabulary, which is not to delay the first answers
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.stop()
        self._log.close()

    def _begin(self, handler: _Handler, body: bytes) -> tuple[Asked, ServerFault, Answer]:
        """Note a request, and return what happens to it and its answer."""
        began = time.monotonic()
        try:
            given = json.loads(body)
            texts = given["input"]
            texts = (texts,) if isinstance(texts, str) else tuple(map(str, texts))
        except (ValueError, KeyError, TypeError):
            given, texts = {}, ()
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = self._log.begin(texts, handler.path, headers, given)
        with self._script_lock:
            fault = self._script.take(asked.number, texts)
        said = answer(asked, self.settings, fault)
        delay = self.settings.delay if fault.delay is None else fault.delay
        time.sleep(max(0.0, began + delay - time.monotonic()))
        return asked, fault, said

    def _stands(self, connection: socket.socket) -> bool:
        return self._listener.stands(connection)

    def _end(self, asked: Asked, status: int) -> None:
        self._log.end(asked, status)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_of_it: ClassVar[EmbeddingsServer]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.partition("?")[0].endswith("/embeddings"):
            self._send(refusal(404, "there is nothing but embeddings"))
            return
        server = self.server_of_it
        asked, fault, said = server._begin(self, body)
        broken = (
            fault.reset or fault.refuse > 0 or fault.cut is not None or not server._stands(self.connection)
        )
        server._end(asked, 0 if broken else said.status)  # before the client can know
        if fault.refuse > 0:
            server.refuse(fault.refuse)
            self.close_connection = True
        elif fault.reset and fault.cut is None:
            self._break_off(by_reset=True)
        else:
            self._send(said, fault.cut, fault.drip)
            if fault.cut is not None:
                self._break_off(by_reset=fault.reset)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server_of_it.set_faults(*map(ServerFault.of_json, json.loads(body)))
        self._send(Answer(204, b""))

    def _send(self, said: Answer, cut: int | None = None, drip: float = 0.0) -> None:
        self.send_response_only(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        body = said.body[:cut]
        part = len(body) // 10 + 1 if drip else len(body) + 1
        for begin in range(0, len(body), part):
            time.sleep(drip / 10)
            self.wfile.write(body[begin : begin + part])

    def _break_off(self, *, by_reset: bool) -> None:
        self.close_connection = True
        if by_reset:
            reset(self.connection)

    def log_message(self, *_: Any) -> None:
        """Say nothing; the log is elsewhere."""
