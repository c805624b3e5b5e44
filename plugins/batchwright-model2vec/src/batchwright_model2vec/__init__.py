"""The embedder ``model2vec``: vectors made on this machine, from a model in a folder.

This module is imported at every start: it doesn't load model2vec or numpy, which are loaded when something is
embedded.
"""

from __future__ import annotations

from batchwright import AnyEmbedder, hookimpl
from batchwright_model2vec.embedder import Model2VecEmbedder, Model2VecOptions

__all__ = ["Model2VecEmbedder", "Model2VecOptions", "register_embedders"]


@hookimpl
def register_embedders() -> list[type[AnyEmbedder]]:
    """Offer the embedder."""
    return [Model2VecEmbedder]
