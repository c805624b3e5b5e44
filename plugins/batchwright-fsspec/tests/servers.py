"""Servers on the loopback that keep files, write down what they are asked, and fail as a script says."""

from __future__ import annotations

import hashlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass
class Reply:
    """An answer; `cut` is the number of bytes of the body after which the connection is closed."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


def refusal(status: int, code: str, **headers: str) -> Reply:
    """Return an answer of S3 that says no."""
    body = f"<Error><Code>{code}</Code><Message>The words of the store.</Message></Error>".encode()
    return Reply(status, body, {"Content-Type": "application/xml", **headers})


class Server(ABC):
    """Answers GET on threads.

    Attributes:
        log: What was asked: a kind and a key each.
        script: Asked first, with kind, key and how often that was asked; it may answer, or change an answer.
        delay: Seconds before each answer.
    """

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.script: Callable[[str, str, int], Reply | None] = lambda kind, key, number: None
        self.delay = 0.0
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"server_of_test": self})
        self._server = _QuietServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, kind: str) -> list[str]:
        """Return the keys that were asked for."""
        return [key for asked, key in self.log if asked == kind]

    def reply_to(self, path: str, headers: dict[str, str]) -> Reply:
        kind, key = self.kind_of(path)
        with self._lock:
            number = self.log.count((kind, key)) + 1
            self.log.append((kind, key))
            self.requests.append((path, headers))
        time.sleep(self.delay)
        return self.script(kind, key, number) or self.answer(kind, key, path, headers)

    @abstractmethod
    def kind_of(self, path: str) -> tuple[str, str]: ...

    @abstractmethod
    def answer(self, kind: str, key: str, path: str, headers: dict[str, str]) -> Reply: ...

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_test: ClassVar[Server]

    def do_GET(self) -> None:
        reply = self.server_of_test.reply_to(self.path, dict(self.headers.items()))
        self.send_response_only(reply.status)
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body[: reply.cut])
        if reply.cut is not None:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class _QuietServer(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that hung up: some tests make it."""


class HttpServer(Server):
    """Serves `files`, with `headers` for all."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.headers: dict[str, str] = {"ETag": '"one"', "Content-Type": "text/markdown; charset=utf-8"}
        self.ranges = True

    def kind_of(self, path: str) -> tuple[str, str]:
        return "GET", unquote(urlsplit(path).path)

    def answer(self, kind: str, key: str, path: str, headers: dict[str, str]) -> Reply:
        body = self.files.get(key)
        if body is None:
            return Reply(404, b"no such file")
        if self.ranges and headers.get("Range") == "bytes=0-0":
            if not body:
                return Reply(416, b"", {**self.headers, "Content-Range": "bytes */0"})
            return Reply(206, body[:1], {**self.headers, "Content-Range": f"bytes 0-0/{len(body)}"})
        return Reply(200, body, dict(self.headers))


class S3Server(Server):
    """Serves `objects` of the bucket ``bucket``, listed in pages of `page` keys."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.page = 1000
        self.etags = True
        self.order: Callable[[str], Any] = lambda key: key.encode()

    def kind_of(self, path: str) -> tuple[str, str]:
        parts = urlsplit(path)
        asked = parse_qs(parts.query, keep_blank_values=True)
        if "list-type" in asked:
            return "LIST", asked.get("continuation-token", asked.get("start-after", [""]))[0]
        return "GET", unquote(parts.path.removeprefix("/bucket/"))

    def answer(self, kind: str, key: str, path: str, headers: dict[str, str]) -> Reply:
        if kind == "LIST":
            return self._page(parse_qs(urlsplit(path).query, keep_blank_values=True))
        body = self.objects.get(key)
        if body is None:
            return refusal(404, "NoSuchKey")
        return Reply(200, body, self._headers(body))

    def _headers(self, body: bytes) -> dict[str, str]:
        etag = {"ETag": f'"{etag_of(body)}"'} if self.etags else {}
        return {"Last-Modified": "Wed, 25 Nov 2026 12:00:00 GMT", **etag}

    def _page(self, asked: dict[str, list[str]]) -> Reply:
        prefix, size = asked.get("prefix", [""])[0], int(asked.get("max-keys", ["1000"])[0])
        behind = asked.get("continuation-token", asked.get("start-after", [""]))[0]
        keys = [key for key in sorted(self.objects, key=self.order) if key.startswith(prefix)]
        keys = [key for key in keys if not behind or self.order(key) > self.order(behind)]
        page = keys[: min(size, self.page)]
        more = len(keys) > len(page)
        contents = "".join(
            f"<Contents><Key>{escape(quote(key))}</Key><Size>{len(self.objects[key])}</Size>"
            "<LastModified>2026-11-25T12:00:00.000Z</LastModified>"
            + (f"<ETag>&quot;{etag_of(self.objects[key])}&quot;</ETag>" if self.etags else "")
            + "</Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        text = (
            f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{contents}{token}</ListBucketResult>"
        )
        return Reply(200, text.encode(), {"Content-Type": "application/xml"})


def etag_of(body: bytes) -> str:
    """Return the ETag of an object that came in one part."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
