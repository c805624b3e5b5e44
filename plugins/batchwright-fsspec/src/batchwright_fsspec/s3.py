"""Objects of S3, and of stores that speak its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

from batchwright import DocumentError, Fetched, Item
from batchwright_fsspec.answers import persistently
from batchwright_fsspec.download import Body, download
from batchwright_fsspec.drivers import file_system, run
from batchwright_fsspec.held import Held
from batchwright_fsspec.location import Location
from batchwright_fsspec.options import S3Options, secret_of
from batchwright_fsspec.remote import RemoteSource, is_within
from batchwright_fsspec.s3_answers import translated

_DIRECTORY_BUCKET = "--x-s3"
"""How the names of S3's directory buckets end, which list keys in no order."""


class _Connection(NamedTuple):
    fs: Any
    client: Any


class S3Source(RemoteSource[S3Options]):
    """Lists a prefix page by page, with ETags as fingerprints; fetches each object by one request."""

    name = "s3"
    schemes: ClassVar[tuple[str, ...]] = ("s3", "s3a")
    options_type = S3Options

    def __init__(self, options: S3Options) -> None:
        super().__init__(options)
        self.location = Location.of(self.url)
        self.sorted = options.ordered and not self.location.bucket.endswith(_DIRECTORY_BUCKET)
        self._connection = Held(self._connect)

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the objects under the URL's prefix, or the one that it names."""
        location = self.location
        if location.last_part and (only := self._only_object()) is not None:
            item = _item(location.last_part, only)
            if is_within(item.key, after, until):
                yield item
            return
        last = ""
        for found in self._objects(location.folder, after if self.sorted else ""):
            key = found["Key"][len(location.folder) :]
            if self.sorted and last and key <= last:
                raise OSError(
                    f"{location}: the store lists {key!r} behind {last!r}; "
                    "if it keeps no order, set ordered = false"
                )
            last = key
            if not key or key.endswith("/"):  # what consoles make to show a folder
                continue
            if self.sorted and until is not None and key > until:
                return
            if is_within(key, after, until) and self.selection.takes(key):
                yield _item(key, found)

    def fetch(self, item: Item) -> Fetched:
        """Return an object's bytes, and the ETag that came with them."""
        connection = self._connection.get()
        try:
            start = partial(self._get, connection.client, item)
            content, fingerprint = download(connection.fs, item.key, start)
        except Exception as error:  # noqa: BLE001 - botocore's are many
            raise translated(error, f"{self.location.bucket}/{item.handle}", item.key) from None
        return Fetched(content.open, fingerprint)

    def origin(self) -> str:
        """Return scheme, bucket and prefix, and the server where it isn't Amazon's."""
        place, server = str(self.location).rstrip("/"), self.options.endpoint_url
        return f"{place} at {urlsplit(server).netloc.rpartition('@')[2]}" if server else place

    def collection_name(self) -> str:
        """Return the last part of the prefix, or the bucket."""
        return self.location.path.rstrip("/").rpartition("/")[2] or self.location.bucket

    def probe(self) -> None:
        """Check that the bucket can be listed."""
        self._page_at_once(Prefix=self.location.path, MaxKeys=1)

    def close(self) -> None:
        """Close the connections."""
        if (connection := self._connection.taken()) is not None:
            run(connection.fs, connection.client.close)

    def _connect(self) -> _Connection:
        options = self.options
        fs = file_system("s3")(
            anon=options.anon,
            endpoint_url=options.endpoint_url,
            key=secret_of(options.key, options.key_file),
            secret=secret_of(options.secret, options.secret_file),
            token=secret_of(options.token, options.token_file),
            client_kwargs={"region_name": options.region} if options.region else {},
            config_kwargs={
                "connect_timeout": options.connect_timeout,
                "read_timeout": options.read_timeout,
                "max_pool_connections": options.at_once + 1,
                "retries": {"total_max_attempts": 1},  # the engine repeats, and knows what it repeated
                **({"s3": {"addressing_style": "path"}} if options.path_style else {}),
            },
            skip_instance_cache=True,
            **({"profile": options.profile} if options.profile else {}),
        )
        try:
            return _Connection(fs, run(fs, fs.set_session))
        except Exception as error:  # noqa: BLE001 - botocore's are many
            raise translated(error, str(self.location)) from None

    @property
    def _paid(self) -> dict[str, str]:
        return {"RequestPayer": "requester"} if self.options.requester_pays else {}

    def _only_object(self) -> Mapping[str, Any] | None:
        """Return the object whose key is the whole path: of all that begin so it is the first."""
        page = self._page(Prefix=self.location.path, MaxKeys=1)
        first: Mapping[str, Any] = next(iter(page.get("Contents", ())), {})
        return first if first.get("Key") == self.location.path else None

    def _objects(self, prefix: str, after: str) -> Iterator[Mapping[str, Any]]:
        place = {"StartAfter": prefix + after} if after else {}
        token = None
        while True:
            page = self._page(Prefix=prefix, **place)
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            before, token = token, page.get("NextContinuationToken")
            if not token or token == before:
                raise OSError(f"{self.location}: the listing breaks off: a page does not say where to go on")
            place = {"ContinuationToken": token}

    def _page(self, **how: Any) -> Mapping[str, Any]:
        return persistently(partial(self._page_at_once, **how))

    def _page_at_once(self, **how: Any) -> Mapping[str, Any]:
        connection, bucket = self._connection.get(), self.location.bucket
        ask = partial(connection.client.list_objects_v2, Bucket=bucket, **self._paid, **how)
        try:
            page: Mapping[str, Any] = run(connection.fs, ask)
        except Exception as error:  # noqa: BLE001 - botocore's are many
            raise translated(error, str(self.location)) from None
        return page

    async def _get(self, client: Any, item: Item) -> Body:
        answer = await client.get_object(Bucket=self.location.bucket, Key=item.handle, **self._paid)
        stream = answer["Body"]
        if (coding := answer.get("ContentEncoding", "").lower()) not in ("", "identity", "aws-chunked"):
            stream.close()
            raise DocumentError(
                item.key,
                f"it is stored with Content-Encoding {coding}; store it as it is, or under a name in .gz",
            )
        md5 = _md5(answer) if self.options.check_md5 else ""
        return Body(stream.read, stream.close, answer.get("ContentLength"), md5, _fingerprint(answer))


def _item(key: str, found: Mapping[str, Any]) -> Item:
    return Item(key, handle=found["Key"], size=found.get("Size", 0), fingerprint=_fingerprint(found))


def _fingerprint(found: Mapping[str, Any]) -> str:
    """Return an ETag, or where there is none what else changes with the content."""
    if etag := str(found.get("ETag", "")).strip('"'):
        return etag
    changed, size = found.get("LastModified"), found.get("Size", found.get("ContentLength"))
    return "" if changed is None or size is None else f"{int(changed.timestamp())} {size}"


def _md5(answer: Mapping[str, Any]) -> str:
    """Return the MD5 that an ETag is, if the object came in one part and isn't encrypted with a key."""
    etag = str(answer.get("ETag", "")).strip('"').lower()
    keyed = "SSEKMSKeyId" in answer or "SSECustomerAlgorithm" in answer
    keyed = keyed or str(answer.get("ServerSideEncryption", "")).startswith("aws:")
    return etag if len(etag) == 32 and not keyed and not set(etag) - set("0123456789abcdef") else ""
