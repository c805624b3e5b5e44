"""Sending requests, by httpx: one client a process, for all threads."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from batchwright import ConfigError
from batchwright.secrets import describe
from batchwright_openai.keys import key_of
from batchwright_openai.options import OpenAIOptions
from batchwright_openai.refusals import WrongAnswer, is_about_encoding, refusal

if TYPE_CHECKING:
    import httpx

_CONNECT = 10.0  # seconds


class EncodingRefused(Exception):
    """The server doesn't take ``encoding_format``."""


class _TooSlow(Exception):
    """Time is up, though bytes still come."""


class Client:
    """Posts requests, and returns the bodies of answers. Safe for threads and forks; can be pickled."""

    def __init__(self, options: OpenAIOptions) -> None:
        self._options = options
        self._clients: dict[int, httpx.Client] = {}  # by process: a forked one leaves its parent's alone
        self._making: dict[int, threading.Lock] = {}

    def post(self, body: Mapping[str, Any], texts: int, longest: int) -> bytes:
        """Return the body of the answer.

        Args:
            body: The request's.
            texts: How many texts are in it.
            longest: Bytes of an answer, at most.

        Raises:
            ConfigError: There is no key, or it or a header can't be sent.
            TimeoutError: No answer in time.
            ConnectionError: The way to the server broke.
            BadRecords: The server refuses the one text.
            BatchTooLarge: The server refuses several texts.
            AnswerError: It refuses otherwise.
            WrongAnswer: It redirects, or answers without an end.
        """
        content = json.dumps(body, ensure_ascii=False).encode("utf-8")
        until = time.monotonic() + self._options.timeout
        with self._translated():
            client = self._client()
            with client.stream("POST", self._url, content=content) as answer:
                said = _read(answer, until, longest)
        if answer.status_code == 200:
            return said
        if is_about_encoding(answer.status_code, said):
            raise EncodingRefused
        headers = {name.lower(): value for name, value in answer.headers.items()}
        raise refusal(self._options.hostname, answer.status_code, headers, said, texts, self._secrets)

    def close(self) -> None:
        """Close this process's connections."""
        if (client := self._clients.pop(os.getpid(), None)) is not None:
            client.close()

    def __reduce__(self) -> tuple[type[Client], tuple[OpenAIOptions]]:
        return Client, (self._options,)

    @cached_property
    def _key(self) -> str:
        return key_of(self._options)

    @property
    def _secrets(self) -> Sequence[str]:
        values = [value.get_secret_value() for value in self._options.secret_headers.values()]
        return [secret for secret in (self._key, *values) if secret]

    @property
    def _url(self) -> str:
        version = self._options.api_version
        return f"{self._options.base_url}/embeddings" + (f"?api-version={version}" if version else "")

    def _client(self) -> httpx.Client:
        process = os.getpid()
        if (client := self._clients.get(process)) is None:
            with self._making.setdefault(process, threading.Lock()):  # for all threads, which begin together
                if (client := self._clients.get(process)) is None:
                    client = self._clients[process] = self._made()
        return client

    def _made(self) -> httpx.Client:
        import httpx

        options = self._options
        return httpx.Client(
            headers=self._headers(),
            timeout=httpx.Timeout(options.timeout, connect=min(_CONNECT, options.timeout), pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=options.at_once),
            follow_redirects=False,  # the key goes where it was meant to go
        )

    def _headers(self) -> dict[str, str]:
        options = self._options
        headers = {"User-Agent": "batchwright-openai", "Content-Type": "application/json", **options.headers}
        headers |= {name: value.get_secret_value() for name, value in options.secret_headers.items()}
        if key := self._key:
            name = options.key_header or ("api-key" if options.is_azure else "Authorization")
            headers[name] = f"Bearer {key}" if name.lower() == "authorization" else key
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable() and name.isascii() and name.isprintable()):
                raise ConfigError(f"the header {name!a} has characters that can't be sent")
        return headers

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise what the built-in classifier knows, with no URL of a proxy, which may hold a password."""
        import httpx

        host = self._options.hostname
        try:
            yield
        except (httpx.TimeoutException, _TooSlow):
            raise TimeoutError(f"{host}: no answer within {self._options.timeout:g} s") from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise ConfigError(f"{host}: {describe(error, self._secrets)}") from None
        except httpx.TransportError as error:
            words = describe(error, self._secrets)
            if "CERTIFICATE_VERIFY_FAILED" in words:
                raise WrongAnswer(f"{host}: {words}; SSL_CERT_FILE names the authorities to trust") from None
            raise ConnectionError(f"{host}: {words}") from None
        except httpx.DecodingError:
            raise ConnectionError(f"{host}: the answer is damaged") from None


def _read(answer: httpx.Response, until: float, longest: int) -> bytes:
    """Return the body of an answer, as long as it comes in time and is no longer than it may be."""
    parts: list[bytes] = []
    length = 0
    for part in answer.iter_bytes():
        parts.append(part)
        length += len(part)
        if length > longest:
            raise WrongAnswer(f"the answer is longer than {longest:,} bytes; is base_url right?")
        if time.monotonic() > until:
            raise _TooSlow
    return b"".join(parts)
