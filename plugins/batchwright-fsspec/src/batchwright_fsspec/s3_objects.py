"""Fetching one object of S3, with less than half of the work that the client's own way takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

from batchwright import DocumentError, Item
from batchwright_fsspec.download import Body
from batchwright_fsspec.s3_answers import Refusal
from batchwright_fsspec.s3_signing import Requests

_WORDS = re.compile(rb"<(Code|Message)>([^<]*)</")
_LONGEST_REFUSAL = 65_536


class Objects:
    """The objects of a bucket.

    Args:
        client: A client of aiobotocore.
        bucket: The bucket.
        requests: Makes signed requests for them; None to go the client's own way.
        parameters: Sent with each request that goes the client's own way, such as who pays.
        check_md5: Whether an ETag may be an MD5.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        requests: Requests | None,
        parameters: Mapping[str, str],
        *,
        check_md5: bool,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._requests = requests
        self._parameters = parameters
        self._check_md5 = check_md5

    async def get(self, item: Item) -> Body:
        """Ask for an object.

        Raises:
            DocumentError: It can't be read as it is stored.
            Refusal: The store said no.
            Exception: Any of botocore's.
        """
        if self._requests is not None and (body := await self._signed(item, self._requests)) is not None:
            return body
        answer = await self._client.get_object(Bucket=self._bucket, Key=item.handle, **self._parameters)
        return self._body(item, answer, answer["Body"].read, answer["Body"].close)

    async def _signed(self, item: Item, requests: Requests) -> Body | None:
        """Ask for an object; None if the client has to find out what is wrong with the request."""
        answer = await self._client._endpoint.http_session.send(await requests.get(item.handle))
        stream, status = answer.raw, answer.status_code
        if status == 200:
            return self._body(item, _parsed(answer.headers), stream.content.read, stream.close)
        try:
            if status in (404, 408, 429) or status >= 500:
                raise _refusal(status, answer.headers, await stream.content.read(_LONGEST_REFUSAL))
        finally:
            stream.close()
        return None  # a wrong signature, region, clock

    def _body(self, item: Item, answer: Mapping[str, Any], read: Any, close: Any) -> Body:
        if (coding := answer.get("ContentEncoding", "").lower()) not in ("", "identity", "aws-chunked"):
            close()
            raise DocumentError(
                item.key,
                f"it is stored with Content-Encoding {coding}; store it as it is, or under a name in .gz",
            )
        md5 = _md5(answer) if self._check_md5 else ""
        return Body(read, close, answer.get("ContentLength"), md5, fingerprint_of(answer))


def fingerprint_of(found: Mapping[str, Any]) -> str:
    """Return an ETag, or where there is none what else changes with the content."""
    if etag := str(found.get("ETag", "")).strip('"'):
        return etag
    changed, size = found.get("LastModified"), found.get("Size", found.get("ContentLength"))
    return "" if changed is None or size is None else f"{int(changed.timestamp())} {size}"


def _md5(answer: Mapping[str, Any]) -> str:
    """Return the MD5 that an ETag is, if the object came in one part and is encrypted with no key."""
    etag = str(answer.get("ETag", "")).strip('"').lower()
    keyed = "SSEKMSKeyId" in answer or "SSECustomerAlgorithm" in answer
    keyed = keyed or str(answer.get("ServerSideEncryption", "")).startswith("aws:")
    return etag if len(etag) == 32 and not keyed and not set(etag) - set("0123456789abcdef") else ""


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
    said = {name.decode(): unescape(text.decode("utf-8", "replace")) for name, text in _WORDS.findall(body)}
    retry_after = headers.get("retry-after")
    return Refusal(said.get("Code", str(status)), said.get("Message", ""), status, retry_after)


def _parsed(headers: Mapping[str, str]) -> Mapping[str, Any]:
    """Return headers as the client names them."""
    names = {
        "ETag": "etag",
        "ContentEncoding": "content-encoding",
        "ServerSideEncryption": "x-amz-server-side-encryption",
        "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
        "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
    }
    found: dict[str, Any] = {name: headers[header] for name, header in names.items() if header in headers}
    if headers.get("content-length", "").isdecimal():
        found["ContentLength"] = int(headers["content-length"])
    with suppress(KeyError, ValueError):
        found["LastModified"] = parsedate_to_datetime(headers["last-modified"])
    return found
