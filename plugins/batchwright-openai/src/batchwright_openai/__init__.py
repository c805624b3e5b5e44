"""The embedder ``openai``: vectors from OpenAI, Azure OpenAI, or any server with ``/v1/embeddings``.

This module is imported at every start: it doesn't load httpx, which is loaded when something is embedded.
"""

from __future__ import annotations

from batchwright import AnyEmbedder, hookimpl
from batchwright_openai.embedder import OpenAIEmbedder
from batchwright_openai.options import OpenAIOptions
from batchwright_openai.refusals import AnswerError, WrongAnswer

__all__ = ["AnswerError", "OpenAIEmbedder", "OpenAIOptions", "WrongAnswer", "register_embedders"]


@hookimpl
def register_embedders() -> list[type[AnyEmbedder]]:
    """Offer the embedder."""
    return [OpenAIEmbedder]
