"""One file by HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from batchwright import ConfigError, Fetched, Item
from batchwright_fsspec.answers import AnswerError, persistently
from batchwright_fsspec.download import Body, download
from batchwright_fsspec.drivers import file_system, run
from batchwright_fsspec.held import Held
from batchwright_fsspec.options import HttpOptions, secret_of
from batchwright_fsspec.remote import RemoteSource, is_within

_AS_IT_IS = {"Accept-Encoding": "identity"}
_FIRST_BYTE = {"Range": "bytes=0-0"}
"""What a listing asks for: a presigned URL allows GET and not HEAD."""


class HttpSource(RemoteSource[HttpOptions]):
    """A URL is one item. Its key is the last part of the path, its fingerprint the ETag or Last-Modified."""

    name = "http"
    schemes: ClassVar[tuple[str, ...]] = ("http", "https")
    options_type = HttpOptions

    def __init__(self, options: HttpOptions) -> None:
        super().__init__(options)
        parts = urlsplit(self.url)
        if not parts.hostname:
            raise ConfigError(f"source: the URL names no host; write {parts.scheme}://HOST/FILE")
        name = unquote(parts.path.rpartition("/")[2])
        self.key = name if name.isprintable() and name.strip("./") and "/" not in name else parts.hostname
        self._file_system = Held(self._make)

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the one item, by a request for its first byte."""
        if is_within(self.key, after, until):
            yield persistently(self._look)

    def fetch(self, item: Item) -> Fetched:
        """Return the bytes, and the ETag that came with them."""
        fs = self._file_system.get()
        try:
            content, fingerprint = download(fs, item.key, partial(self._get, fs))
        except Exception as error:  # noqa: BLE001 - none may show the URL's query
            raise self._translated(error) from None
        return Fetched(content.open, fingerprint)

    def close(self) -> None:
        """Close the connections."""
        if (fs := self._file_system.taken()) is not None:
            run(fs, partial(_close, fs))

    def _make(self) -> Any:
        import aiohttp

        options = self.options
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=options.connect_timeout, sock_read=options.read_timeout
        )
        token = secret_of(options.bearer_token, options.bearer_token_file)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = {"timeout": timeout, "trust_env": True, "headers": headers | _AS_IT_IS}
        return file_system("https")(client_kwargs=client, skip_instance_cache=True)

    def _look(self) -> Item:
        fs = self._file_system.get()
        try:
            item: Item = run(fs, self._first_byte, fs)
        except Exception as error:  # noqa: BLE001 - none may show the URL's query
            raise self._translated(error) from None
        return item

    async def _first_byte(self, fs: Any) -> Item:
        session = await fs.set_session()
        async with session.get(_exactly(self.url), headers=_FIRST_BYTE) as answer:
            if answer.status != 416:  # of an empty file no byte can be asked for
                _check(answer)
            whole = answer.headers.get("Content-Range", "").rpartition("/")[2] if answer.status != 200 else ""
            size = int(whole) if whole.isdecimal() else _length(answer) or 0
            media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            answer.close()  # a server that knows no ranges sends it all
            return Item(self.key, size=size, fingerprint=_fingerprint(answer.headers), media_type=media_type)

    async def _get(self, fs: Any) -> Body:
        session = await fs.set_session()
        answer = await session.get(_exactly(self.url))
        try:
            _check(answer)
        except BaseException:
            answer.close()
            raise
        return Body(
            answer.content.read, answer.close, _length(answer), fingerprint=_fingerprint(answer.headers)
        )

    def _translated(self, error: Exception) -> Exception:
        """Return an error without the URL's query and user info, which aiohttp's messages show."""
        import aiohttp

        place = self.origin()
        if isinstance(error, AnswerError):
            if error.status_code in (404, 410):
                return FileNotFoundError(f"{place}: not there (HTTP status {error.status_code})")
            advice = ""
            if error.status_code in (401, 403):
                advice = "; check the token or password, and whether a presigned URL has expired"
            return AnswerError(f"{place}: {error}{advice}", error.status_code, error.retry_after)
        if isinstance(error, TimeoutError):
            return TimeoutError(f"{place}: no answer in time")
        if isinstance(error, aiohttp.ClientSSLError):
            return OSError(f"{place}: {type(error).__name__}: {error}")
        if isinstance(error, aiohttp.InvalidURL):
            return ConfigError("source: the URL is not one")
        if isinstance(error, aiohttp.ClientPayloadError):
            return ConnectionError(f"{place}: the body was cut short")
        if isinstance(error, aiohttp.ClientConnectorError):
            return ConnectionError(f"{place}: can't connect: {error.os_error}")
        if isinstance(error, aiohttp.ClientError):
            return ConnectionError(f"{place}: {type(error).__name__}")
        return error


async def _close(fs: Any) -> None:
    await (await fs.set_session()).close()


def _exactly(url: str) -> Any:
    """Return a URL that is sent as it is: a presigned one is signed as it is written."""
    import yarl

    url = url.partition("#")[0]
    return yarl.URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)


def _check(answer: Any) -> None:
    if answer.status >= 400:
        raise AnswerError(f"HTTP status {answer.status}", answer.status, answer.headers.get("Retry-After"))


def _length(answer: Any) -> int | None:
    """Return the bytes that will be read; None if that isn't said, or they are sent compressed."""
    said = answer.headers.get("Content-Length", "")
    return int(said) if said.isdecimal() and "Content-Encoding" not in answer.headers else None


def _fingerprint(headers: Mapping[str, str]) -> str:
    return headers.get("ETag", "").strip() or headers.get("Last-Modified", "").strip()
