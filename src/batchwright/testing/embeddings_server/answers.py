"""What the server answers to a request: vectors, or an error as OpenAI's API writes them."""

from __future__ import annotations

import base64
import json
import math
import random
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from batchwright.testing.embeddings_server.faults import ServerFault
from batchwright.testing.embeddings_server.log import Asked
from batchwright.testing.embeddings_server.settings import ServerSettings
from batchwright.testing.embeddings_server.vectors import vector_of

_CODES = {400: "invalid_request", 401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, before it is sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def refusal(status: int, message: str, code: str = "") -> Answer:
    """Return an answer that says no."""
    error = {"message": message, "type": "error", "code": code or _CODES.get(status, str(status))}
    return Answer(status, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})


def answer(asked: Asked, settings: ServerSettings, fault: ServerFault) -> Answer:
    """Return the answer to a request."""
    if fault.status != 200:
        said = refusal(fault.status, "the script says so", fault.code)
        for name, value in (("Retry-After", fault.retry_after), ("Location", fault.location)):
            if value:
                said.headers[name] = str(value)
        return said
    refused = _refused(asked, settings)
    return refused if refused is not None else _vectors(asked, settings, fault)


def _refused(asked: Asked, settings: ServerSettings) -> Answer | None:
    """Return the refusal of what a server of this kind doesn't take; None where it takes the request."""
    given = (asked.headers.get("api-key"), asked.headers.get("authorization", "").removeprefix("Bearer "))
    if settings.key and settings.key not in given:
        return refusal(401, "Incorrect API key provided")
    if settings.model and asked.body.get("model") != settings.model:
        return refusal(404, f"The model {asked.body.get('model')!r} does not exist")
    if not asked.texts or "" in asked.texts:
        return refusal(400, "input cannot be empty")
    if settings.at_once is not None and asked.in_flight > settings.at_once:
        said = refusal(429, "Too many requests at once")
        said.headers["Retry-After"] = "1"
        return said
    if settings.texts is not None and len(asked.texts) > settings.texts:
        return refusal(413, f"batch size {len(asked.texts)} > maximum allowed batch size {settings.texts}")
    if settings.tokens_a_text is not None and not settings.truncates:
        for text in asked.texts:
            if (count := token_counter()(text)) > settings.tokens_a_text:
                return refusal(400, f"maximum context length is {settings.tokens_a_text} tokens, not {count}")
    if settings.tokens is not None and sum(map(token_counter(), asked.texts)) > settings.tokens:
        return refusal(400, f"maximum request size is {settings.tokens} tokens")
    return None


def _vectors(asked: Asked, settings: ServerSettings, fault: ServerFault) -> Answer:
    dimensions = fault.dimensions or asked.body.get("dimensions") or settings.dimensions
    rows = [vector_of(text, dimensions, settings.salt, settings.vectors) for text in asked.texts]
    _spoil(rows[0], fault)
    encode: Callable[[Sequence[float]], object] = list
    if asked.body.get("encoding_format") == "base64" and fault.spoilt != "text":
        encode = _as_base64
    data: list[dict[str, Any]] = [
        {"object": "embedding", "index": index, "embedding": encode(row)} for index, row in enumerate(rows)
    ]
    if fault.spoilt == "missing":
        data.pop()
    elif fault.spoilt == "twice":
        data[0]["index"] = len(data) - 1
    elif fault.spoilt == "no index":
        del data[0]["index"]
    elif fault.spoilt == "not json":
        return Answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})
    if settings.shuffled:
        random.Random(asked.number).shuffle(data)  # noqa: S311 - not for secrets
    said: dict[str, Any] = {"object": "list", "data": data, "model": asked.body.get("model", "")}
    if settings.counts:
        counts = [token_counter()(text) for text in asked.texts]
        if settings.tokens_a_text is not None:
            counts = [min(count, settings.tokens_a_text) for count in counts]
        said["usage"] = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
    return Answer(200, json.dumps(said).encode(), {"Content-Type": "application/json"})


def _spoil(row: list[Any], fault: ServerFault) -> None:
    if fault.spoilt == "nan":
        row[0] = math.nan
    elif fault.spoilt == "infinite":
        row[0] = math.inf
    elif fault.spoilt == "zero":
        row[:] = [0.0] * len(row)
    elif fault.spoilt == "text":
        row[0] = "word"


def _as_base64(row: Sequence[float]) -> str:
    return base64.b64encode(array("f", row).tobytes()).decode()


@cache
def token_counter() -> Callable[[str], int]:
    """Return what counts tokens; its first call loads a vocabulary."""
    from batchwright.documents import Tokenizer

    tokenizer = Tokenizer()
    return lambda text: tokenizer.count(text.encode("utf-8", "replace").decode())
