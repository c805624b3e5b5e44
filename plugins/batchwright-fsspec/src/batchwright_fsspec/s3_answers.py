"""What S3 and its client said no with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchwright import ConfigError, DocumentError
from batchwright.contracts.http_answers import retry_after_of, status_of
from batchwright_fsspec.answers import AnswerError

_ADVICE = {
    "ExpiredToken": "the session token has expired; get new keys",
    "TokenRefreshRequired": "the session token has expired; get new keys",
    "RequestExpired": "the request came too late; set this machine's clock",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "InvalidAccessKeyId": "the store does not know the access key; check key, profile and environment",
    "SignatureDoesNotMatch": "the secret does not belong to the access key; check both",
    "InvalidToken": "the session token is wrong; check token, profile and environment",
    "NoSuchBucket": "there is no such bucket; check the URL, endpoint_url and region",
    "PermanentRedirect": "the bucket is in another region; set region",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set region",
}
_OF_THE_OBJECT = {
    "AccessDenied": "you may not read it: s3:GetObject is missing, or the right to its encryption key",
    "InvalidObjectState": "it is archived; restore it first",
    "KMS.DisabledException": "its encryption key is disabled",
    "KMS.NotFoundException": "its encryption key is gone",
}
"""Refusals that are about one object: others may be read all the same."""


_QUERY = re.compile(r"\?[^\s'\"]*")
"""Of a URL in a message: it may be signed."""


class Refusal(Exception):
    """A store's no, before it is known what it means.

    Attributes:
        code: S3's word for it.
        message: The store's words.
        status: The HTTP status.
        retry_after: What it says of when to try again; None if nothing.
    """

    def __init__(self, code: str, message: str, status: int, retry_after: object) -> None:
        super().__init__(code, message, status, retry_after)
        self.code, self.message, self.status, self.retry_after = code, message, status, retry_after


def translated(error: Exception, place: str, key: str | None = None) -> Exception:
    """Return an error of ours for one of botocore's.

    Args:
        error: What was raised.
        place: What was asked for, for messages.
        key: The item's key, if one was to be fetched; None for a listing.
    """
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        words: Mapping[str, Any] = error.response.get("Error", {})
        code, message = str(words.get("Code", "")), str(words.get("Message", ""))
        error = Refusal(code, message, status_of(error) or 0, retry_after_of(error))
    if isinstance(error, Refusal):
        return _refused(error, place, key)
    if isinstance(error, exceptions.SSLError):
        return OSError(f"{place}: {_QUERY.sub('', str(error))}")
    connection_errors = (
        exceptions.ConnectionError,
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        exceptions.ResponseStreamingError,
    )
    if isinstance(error, TimeoutError | exceptions.ReadTimeoutError | exceptions.ConnectTimeoutError):
        return TimeoutError(f"{place}: no answer in time")
    if isinstance(error, connection_errors) or _is_of("aiohttp", error):
        cause = getattr(error, "kwargs", {}).get("error", error)
        return ConnectionError(f"{place}: {_QUERY.sub('', str(cause))}")
    if _is_of("botocore.parsers", error):
        return ConnectionError(f"{place}: the answer breaks off, or is no answer of S3")
    if isinstance(error, exceptions.NoCredentialsError):
        return ConfigError(
            "sources.s3: no keys found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or profile, or anon = true"
        )
    if isinstance(error, exceptions.BotoCoreError):
        return ConfigError(f"sources.s3: {error}")
    return error


def _refused(said: Refusal, place: str, key: str | None) -> Exception:
    code, status = said.code, said.status
    if key is not None:
        if code in ("NoSuchKey", "404") or (status == 404 and code != "NoSuchBucket"):
            return FileNotFoundError(f"{place}: gone since it was listed")
        if code in _OF_THE_OBJECT:
            return DocumentError(key, _OF_THE_OBJECT[code])
    advice = _ADVICE.get(code)
    if advice is None and code in ("AccessDenied", "403"):
        advice = "you may not list it: the permission s3:ListBucket is missing"
    words = f"{code}: {advice or said.message or 'no reason given'}"
    return AnswerError(f"{place}: {words} (HTTP status {status})", status, said.retry_after)


def _is_of(module: str, error: Exception) -> bool:
    return any(
        cls.__module__.split(".")[: len(module.split("."))] == module.split(".")
        for cls in type(error).__mro__
    )
