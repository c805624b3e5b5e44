"""The HTTP endpoint that Prometheus scrapes."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from batchwright import BatchwrightError
from prometheus_client import CollectorRegistry, make_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class EndpointError(BatchwrightError):
    """The endpoint can't be opened."""


class Endpoint:
    """Serves a registry over HTTP, from a thread of its own, until it is closed.

    Args:
        host: The address to listen at.
        port: The port; 0 for any free one.
        registry: What to serve.

    Raises:
        EndpointError: Address and port can't be had.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self._app = make_wsgi_app(registry)
        self._last = threading.Event()
        self._awaited = False
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            server = _server_of(family)
            self._server = make_server(host, port, self._serve, server, handler_class=_Handler)
        except OSError as error:
            reason = error.strerror or error
            raise EndpointError(
                f"the metrics can't be served at {_url(host, port)}: {reason}. {_advice(error)}"
            ) from error
        self.url = _url(host, self._server.server_port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="batchwright-prometheus", daemon=True
        )
        self._thread.start()

    def expect_scrape(self, expected: bool = True) -> None:
        """Note that the figures are final from now on, or not so any more."""
        self._last.clear()
        self._awaited = expected

    def wait_for_scrape(self, seconds: float) -> bool:
        """Wait until the final figures were scraped; return whether they were, within so many seconds."""
        return self._last.wait(seconds)

    def close(self) -> None:
        """Stop listening. May come more than once."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()

    def _serve(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        # any path but this one answers with the metrics
        scrape = environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"] != "/favicon.ico"
        awaited = self._awaited and scrape
        return _Answer(self._app(environ, start), self._last if awaited else None)


class _Answer:
    """An answer that notes when it is sent: the server closes it then."""

    def __init__(self, parts: Iterable[bytes], sent: threading.Event | None) -> None:
        self._parts = parts
        self._sent = sent

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        if self._sent is not None:
            self._sent.set()


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds that a client may be silent

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so it is called
        """Say nothing: stderr is the run's."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # newer Pythons let two servers share a port, and a scrape would get the metrics of either
    allow_reuse_port = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away."""


def _server_of(family: int) -> type[WSGIServer]:
    return type("_Server", (_Server,), {"address_family": family})


def _advice(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            "Does another run listen there? Choose another port in [reporter.prometheus], "
            "or 0 for any free one"
        )
    if error.errno == errno.EACCES:
        return "Choose a port above 1023 in [reporter.prometheus]"
    return "Is that an address of this machine? See host in [reporter.prometheus]"


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"
