"""How the server of embeddings is when nothing goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the server takes and how it answers. All of it can be written as JSON.

    Attributes:
        dimensions: Numbers a vector, where a request doesn't say.
        model: The one model there is; empty for any. Another one is refused with 404.
        salt: Changes all vectors: a model that was swapped behind its name.
        vectors: ``hash``: nothing but the text decides. ``words``: texts with the same words are near.
        delay: Seconds from a request to its answer.
        shuffled: Whether answers come in another order than the texts, as their ``index`` says.
        key: Refuse requests without it, as ``Authorization: Bearer`` or ``api-key``; empty for none.
        texts: Texts a request; more are refused with 413. None for no limit.
        tokens: Tokens a request; more are refused with 400.
        tokens_a_text: Tokens a text; a longer one is refused with 400.
        truncates: Whether a text that is too long is cut without a word instead.
        at_once: Requests at the same time; what is beyond is refused with 429, Retry-After 1.
        counts: Whether an answer says ``usage``.
    """

    dimensions: int = 8
    model: str = ""
    salt: str = ""
    vectors: Literal["hash", "words"] = "hash"
    delay: float = 0.0
    shuffled: bool = True
    key: str = ""
    texts: int | None = None
    tokens: int | None = None
    tokens_a_text: int | None = None
    truncates: bool = False
    at_once: int | None = None
    counts: bool = True
