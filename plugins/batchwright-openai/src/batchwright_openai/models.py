"""What is known of OpenAI's own models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """A model of OpenAI's.

    Attributes:
        dimensions: Numbers a vector, where nothing else is asked for.
        shortens: Whether it can be asked for fewer.
    """

    dimensions: int
    shortens: bool


MODELS = {
    "text-embedding-3-small": Known(1536, shortens=True),
    "text-embedding-3-large": Known(3072, shortens=True),
    "text-embedding-ada-002": Known(1536, shortens=False),
}
"""All of them count tokens as cl100k_base does, and take 8,191 a text and 300,000 a request (OpenAI's API
reference, "Create embeddings").
"""
