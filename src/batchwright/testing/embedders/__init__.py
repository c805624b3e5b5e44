"""The contract of an embedder, as checks; one file a promise."""

from batchwright.testing.embedders.contract import EmbedderContract
from batchwright.testing.embedders.rig import MakeEmbedder

__all__ = ["EmbedderContract", "MakeEmbedder"]
