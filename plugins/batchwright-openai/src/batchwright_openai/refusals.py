"""What a server says no with, as errors that say what to do, and hold no key and no texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from batchwright import BadRecords, BatchTooLarge
from batchwright.secrets import mask
from batchwright.visible import one_line

_LONGEST = 300
"""Characters of a server's words that are shown."""

_TEXTS = (400, 413, 422)
"""Statuses for which the texts may be to blame."""

_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})

_ADVICE = {
    401: "check the key: api_key, api_key_file, api_key_env",
    402: "look at the account's billing",
    403: "the key may not use this model; look at the account's rights",
    404: "check model, and that base_url ends as the server wants it, often in /v1",
    405: "check base_url",
    407: "the proxy wants a password: HTTPS_PROXY",
}


class AnswerError(Exception):
    """The server answered, and refused. Can be pickled.

    Attributes:
        status_code: The answer's HTTP status; None where it says less than the words do.
        retry_after: Seconds or a date (RFC 9110) after which to try again, as it asks; None if it doesn't.
    """

    def __init__(self, message: str, status_code: int | None = None, retry_after: object = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.retry_after = retry_after


class WrongAnswer(Exception):
    """The server answered, with something else than the vectors. It won't pass by itself."""


def refusal(
    host: str, status: int, headers: Mapping[str, str], body: bytes, texts: int, secrets: Sequence[str]
) -> Exception:
    """Return the error for an answer that says no.

    Args:
        host: Whose.
        status: The answer's HTTP status.
        headers: Its headers.
        body: Its body.
        texts: How many texts were sent.
        secrets: What must not be shown.
    """
    error = _error_in(body)
    words = one_line(mask(_words(error, body), secrets))
    said = f"{host}: HTTP status {status}" + (f": {words[:_LONGEST]}" if words else "")
    if 300 <= status < 400:
        return WrongAnswer(f"{host} sends us elsewhere (HTTP status {status}); say the right base_url")
    if {error.get("code"), error.get("type")} & _QUOTA:
        return AnswerError(f"{said}; the account's quota is used up: look at its billing")  # 429 would pass
    if status in _TEXTS:
        if error.get("param") in (None, "", "input"):
            return BatchTooLarge(said) if texts > 1 else BadRecords({0: said})
        return AnswerError(f"{said}; look at the options of the embedder")  # the status would blame the texts
    if advice := _ADVICE.get(status):
        return AnswerError(f"{said}; {advice}", status)
    return AnswerError(said, status, _retry_after(headers))


def is_about_encoding(status: int, body: bytes) -> bool:
    """Whether a server refused how numbers were asked for."""
    return status in _TEXTS and b"encoding_format" in body


def _retry_after(headers: Mapping[str, str]) -> object:
    with suppress(KeyError, ValueError):  # finer, where there is one
        return float(headers["retry-after-ms"]) / 1000
    return headers.get("retry-after")


def _error_in(body: bytes) -> Mapping[str, Any]:
    """Return what an answer says of its error, as OpenAI writes it; others write the message elsewhere."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    error = said.get("error", said)
    found = error if isinstance(error, dict) else {"message": error}
    return {
        name: value
        for name, value in found.items()
        if name in ("message", "detail", "code", "type", "param")
        and (isinstance(value, str) or name == "detail")
    }


def _words(error: Mapping[str, Any], body: bytes) -> str:
    if message := error.get("message"):
        return str(message)
    detail = error.get("detail")
    if isinstance(detail, str):
        return detail
    if isinstance(detail, list):  # of FastAPI: what was sent stands in it, too
        return "; ".join(str(one.get("msg")) for one in detail if isinstance(one, dict) and "msg" in one)
    text = body[:_LONGEST].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{", "[")) else text
