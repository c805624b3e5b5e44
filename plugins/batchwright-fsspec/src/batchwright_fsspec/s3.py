"""Objects of S3, and of stores that speak its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

from batchwright import ConfigError, Fetched, Item
from batchwright_fsspec.answers import persistently
from batchwright_fsspec.download import download
from batchwright_fsspec.drivers import file_system, run
from batchwright_fsspec.held import Held
from batchwright_fsspec.location import Location
from batchwright_fsspec.options import S3Options, secret_of
from batchwright_fsspec.remote import RemoteSource, is_within
from batchwright_fsspec.s3_answers import translated
from batchwright_fsspec.s3_objects import Objects, fingerprint_of
from batchwright_fsspec.s3_signing import Requests, credentials_of


class _Connection(NamedTuple):
    fs: Any
    client: Any
    objects: Objects


class S3Source(RemoteSource[S3Options]):
    """Lists a prefix page by page, with ETags as fingerprints; fetches each object by one request."""

    name = "s3"
    schemes: ClassVar[tuple[str, ...]] = ("s3", "s3a")
    options_type = S3Options

    def __init__(self, options: S3Options) -> None:
        super().__init__(options)
        self.location = Location.of(self.url)
        self.sorted = options.ordered and not _is_directory(self.location.bucket)
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
            start = partial(connection.objects.get, item)
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
        if self.location.has_user:
            raise ConfigError(
                "source: an S3 URL takes no user or password; give keys by the source's options, "
                "a profile or the environment"
            )
        keys = {
            "key": secret_of(options.access_key_id, options.access_key_id_file),
            "secret": secret_of(options.secret_access_key, options.secret_access_key_file),
            "token": secret_of(options.session_token, options.session_token_file),
        }
        fs = file_system("s3")(
            **keys,
            anon=options.anon,
            endpoint_url=options.endpoint_url,
            client_kwargs={"region_name": options.region} if options.region else {},
            config_kwargs={
                "connect_timeout": options.connect_timeout,
                "read_timeout": options.read_timeout,
                "max_pool_connections": options.at_once + 1,
                "signature_version": "s3v4",
                "retries": {"total_max_attempts": 1},  # the engine repeats, and knows what it repeated
                **({"s3": {"addressing_style": "path"}} if options.path_style else {}),
            },
            skip_instance_cache=True,
            **({"profile": options.profile} if options.profile else {}),
        )
        bucket, requests = self.location.bucket, None
        try:
            client = run(fs, fs.set_session)
            if not self._paid and not _is_directory(bucket):
                credentials = None if options.anon else run(fs, credentials_of, fs, keys)
                requests = Requests(client, bucket, credentials)
        except Exception as error:  # noqa: BLE001 - botocore's are many
            raise translated(error, str(self.location)) from None
        objects = Objects(client, bucket, requests, self._paid, check_md5=options.check_md5)
        return _Connection(fs, client, objects)

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


def _is_directory(bucket: str) -> bool:
    """Tell whether a bucket is one of S3's directory buckets: they keep no order, and have sessions."""
    return bucket.endswith("--x-s3")


def _item(key: str, found: Mapping[str, Any]) -> Item:
    return Item(key, handle=found["Key"], size=found.get("Size", 0), fingerprint=fingerprint_of(found))
