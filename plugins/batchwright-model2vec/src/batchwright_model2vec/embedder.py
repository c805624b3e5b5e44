"""The embedder of static models."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from batchwright import BadRecords, ConfigError, Embedder, EmbedderLimits, EmbedderOptions, EmbeddingModel
from batchwright_model2vec.folder import ModelFolder, files_in, look_into

if TYPE_CHECKING:
    from model2vec import StaticModel

_OFFLINE = "HF_HUB_OFFLINE"


class Model2VecOptions(EmbedderOptions):
    """Options of the embedder ``model2vec``.

    Attributes:
        path: The folder of the model. Nothing is ever fetched.
        name: Names the model; by default the folder's name.
    """

    path: Path
    name: str | None = None


class Model2VecEmbedder(Embedder[Model2VecOptions]):
    """Means of word vectors, by model2vec: fast, with no network, no GPU and no limit of a text's length."""

    name: ClassVar[str] = "model2vec"
    options_type = Model2VecOptions
    limits = EmbedderLimits(texts=256, at_once=1)

    def __init__(self, options: Model2VecOptions) -> None:
        super().__init__(options)
        self._loading = threading.Lock()
        self._loaded: StaticModel | None = None

    @property
    def model(self) -> EmbeddingModel:
        """The model by its name, and a hash of its files.

        Raises:
            ConfigError: The folder isn't there, or holds no model.
        """
        name = self.options.name or self._path.resolve().name
        return EmbeddingModel(name, self._folder.dimensions, revision=self._folder.revision)

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return the vectors.

        Raises:
            BadRecords: A text has no UTF-8 form, or no word that the model knows.
            ConfigError: The model can't be loaded.
        """
        reasons = {
            position: "it holds a lone surrogate"
            for position, text in enumerate(texts)
            if any("\ud800" <= character <= "\udfff" for character in text)
        }
        if reasons:
            raise BadRecords(reasons)
        with self._loading:  # a model's tokenizer is set to no longest text while it works
            made = self._static().encode(list(texts), max_length=None, use_multiprocessing=False)
        vectors: list[list[float]] = made.astype("float32").tolist()
        reasons = {
            position: "the model knows no word of it"
            for position, vector in enumerate(vectors)
            if not any(vector)
        }
        if reasons:
            raise BadRecords(reasons)
        return vectors

    def close(self) -> None:
        """Let the model go; it is loaded again when it is needed."""
        self._loaded = None

    def __reduce__(self) -> tuple[type[Model2VecEmbedder], tuple[Model2VecOptions]]:
        return type(self), (self.options,)

    @property
    def _path(self) -> Path:
        return self.options.path.expanduser()

    @cached_property
    def _folder(self) -> ModelFolder:
        return look_into(self._path)

    def _static(self) -> StaticModel:
        if self._loaded is None:
            files_in(self._path)  # model2vec takes what is no folder for a name, and fetches it
            with _offline():
                from model2vec import StaticModel

                try:
                    self._loaded = StaticModel.from_pretrained(self._path)
                except Exception as error:  # noqa: BLE001 - of three libraries, each with its own
                    raise ConfigError(
                        f"can't load the model in {self._path}: {type(error).__name__}: {error}"
                    ) from None
        return self._loaded


@contextmanager
def _offline() -> Iterator[None]:
    """Have the library of the hub, which model2vec loads, fetch nothing."""
    before = os.environ.get(_OFFLINE)
    os.environ[_OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_OFFLINE]
        else:
            os.environ[_OFFLINE] = before
