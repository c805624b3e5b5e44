"""Where a URL of an object store points: a bucket, and a prefix of keys."""

from __future__ import annotations

from typing import NamedTuple

from batchwright import ConfigError


class Location(NamedTuple):
    """A place in an object store.

    Attributes:
        scheme: Such as ``s3``.
        bucket: The bucket or container.
        path: What follows it, as it is: ``?``, ``#``, ``%`` and ``*`` are characters of keys.
        has_user: Whether a user, and perhaps a password, stands before the bucket; they are not kept.
    """

    scheme: str
    bucket: str
    path: str
    has_user: bool = False

    @classmethod
    def of(cls, url: str) -> Location:
        """Return where a URL points.

        Raises:
            ConfigError: It names no bucket.
        """
        scheme, _, rest = url.partition("://")
        place, _, path = rest.partition("/")
        _, user, bucket = place.rpartition("@")
        if not bucket or set(bucket) & set("?#"):
            raise ConfigError(f"source: the URL names no bucket; write {scheme}://BUCKET/PREFIX/")
        return cls(scheme.lower(), bucket, path, bool(user))

    @property
    def folder(self) -> str:
        """The prefix of the keys in it, which ends in a slash unless it is empty.

        ``docs`` stands for ``docs/``, never for ``docs-of-somebody-else/``.
        """
        return self.path if not self.path or self.path.endswith("/") else f"{self.path}/"

    @property
    def last_part(self) -> str:
        """What follows the path's last slash: the name of an object, if there is one by the whole path."""
        return self.path.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.path}"
