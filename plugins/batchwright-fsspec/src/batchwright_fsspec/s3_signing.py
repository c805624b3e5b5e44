"""Requests for objects of one bucket, signed by botocore without the rest of its work for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

_ANY_KEY = "k"


class Requests:
    """Makes requests for objects.

    Where the bucket is, and for which region to sign, is what the client says of it once.

    Args:
        client: A client of aiobotocore.
        bucket: The bucket.
        credentials: aiobotocore's, or botocore's that never expire; None to sign nothing.
    """

    def __init__(self, client: Any, bucket: str, credentials: Any) -> None:
        self._client = client
        self._bucket = bucket
        self._credentials = credentials
        self._base = ""
        self._region = ""

    async def get(self, key: str) -> Any:
        """Return a request for an object, whose answer is streamed."""
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSPreparedRequest, AWSRequest

        base = self._base or await self._located()
        request = AWSRequest("GET", base + quote(key, safe="/~"))
        if self._credentials is not None:
            S3SigV4Auth(await self._frozen(), "s3", self._region).add_auth(request)
        return AWSPreparedRequest("GET", request.url, dict(request.headers.items()), None, stream_output=True)

    async def _located(self) -> str:
        """Return what stands before a key in URLs, and keep it with the region."""
        place = {"Bucket": self._bucket, "Key": _ANY_KEY}
        url, _, query = (await self._client.generate_presigned_url("get_object", place)).partition("?")
        if self._credentials is not None:
            scope = parse_qs(query)["X-Amz-Credential"][0]
            self._region = scope.split("/")[-3]
        self._base = url.removesuffix(_ANY_KEY)
        return self._base

    async def _frozen(self) -> Any:
        """Return credentials as they are now; those of a role are renewed."""
        freeze = getattr(self._credentials, "get_frozen_credentials", None)
        return self._credentials if freeze is None else await freeze()


async def credentials_of(fs: Any, given: Mapping[str, str | None]) -> Any:
    """Return the credentials of a file system of s3fs: those given to it, else those of its session."""
    from botocore.credentials import ReadOnlyCredentials

    if given["key"]:
        return ReadOnlyCredentials(given["key"], given["secret"], given["token"])
    return await fs.session.get_credentials()
