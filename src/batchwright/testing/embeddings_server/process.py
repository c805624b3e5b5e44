"""The server in a process of its own."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Self

from batchwright.testing.calls import within
from batchwright.testing.embeddings_server.faults import ServerFault
from batchwright.testing.embeddings_server.log import Asked, read_log
from batchwright.testing.embeddings_server.settings import ServerSettings

_START = 60.0
"""Seconds that a process may take to start, on a machine that has much else to do."""


class EmbeddingsProcess:
    """A server as `EmbeddingsServer` in a process of its own. Begins and ends with `with`.

    It goes on when a load is killed, and ends with the process that began it, however that ends.

    Args:
        faults: What goes wrong.
        settings: How it is when nothing goes wrong; None for the defaults.
        log: A file to write the requests to. One that is there is gone on with.
        port: The port; 0 for any free one.
    """

    def __init__(
        self,
        faults: Iterable[ServerFault] = (),
        settings: ServerSettings | None = None,
        *,
        log: Path,
        port: int = 0,
    ) -> None:
        self.port = port
        self._faults = [fault.as_json() for fault in faults]
        self._settings = settings or ServerSettings()
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """The base URL, as a client of OpenAI's API wants it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> list[Asked]:
        """All requests so far, by the log."""
        return read_log(self._log) if self._log.exists() else []

    def set_faults(self, *faults: ServerFault) -> None:
        """Have other things go wrong from now on."""
        body = json.dumps([fault.as_json() for fault in faults]).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("PUT", "/script", body)
            if (status := connection.getresponse().status) != 204:
                raise RuntimeError(f"the server refused the faults, with {status}")

    def kill(self) -> None:
        """Kill it; `start` begins it again at the same port."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def start(self) -> None:
        """Begin, and wait until it listens."""
        script = json.dumps({"settings": asdict(self._settings), "faults": self._faults})
        options = [
            "--port",
            str(self.port),
            "--log",
            str(self._log),
            "--script",
            script,
            "--until-stdin-ends",
        ]
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "batchwright.testing.embeddings_server", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None  # noqa: S101
        said = within(_START, "the start of the server", self._process.stdout.readline)
        if not said:
            raise RuntimeError(f"the server ended at once, with {self._process.wait()}")
        self.port = int(said.rpartition(":")[2].partition("/")[0])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.kill()
