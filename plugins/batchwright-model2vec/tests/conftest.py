"""A tiny model, made on the fly: its tokens are bytes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from batchwright_model2vec import Model2VecEmbedder, Model2VecOptions
from model2vec import StaticModel
from tokenizers import Tokenizer, models, pre_tokenizers


def save(folder: Path, seed: int = 1, dimensions: int = 24, alphabet: int = 256) -> Path:
    """Save a model with chance vectors."""
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())[:alphabet]
    tokenizer = Tokenizer(models.BPE(vocab={symbol: n for n, symbol in enumerate(symbols)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    vectors = np.random.default_rng(seed).normal(size=(len(symbols), dimensions)).astype("float32")
    StaticModel(vectors, tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder."""
    return save(tmp_path_factory.mktemp("models") / "tiny")


Make = Callable[..., Model2VecEmbedder]


@pytest.fixture
def make(folder: Path) -> Iterator[Make]:
    """Makes embedders, which are closed at the end."""
    made: list[Model2VecEmbedder] = []

    def make(path: Path = folder, **options: str) -> Model2VecEmbedder:
        made.append(Model2VecEmbedder(Model2VecOptions(path=path, **options)))
        return made[-1]

    yield make
    for embedder in made:
        embedder.close()


importlib.import_module("model2vec.persistence")  # its imports are no part of what is tested
