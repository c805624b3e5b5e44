"""A model's folder: what is in it, without loading it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchwright import ConfigError

_LAYOUTS = (
    ("config.json", "model.safetensors", "tokenizer.json"),
    ("config_sentence_transformers.json", "model.safetensors", "tokenizer.json"),
    (
        "config_sentence_transformers.json",
        "0_StaticEmbedding/model.safetensors",
        "0_StaticEmbedding/tokenizer.json",
    ),
)
"""The files of a model, as model2vec and sentence-transformers write them: what decides its vectors."""

_TENSORS = ("embeddings", "embedding.weight")
_LONGEST_HEADER = 1 << 24


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What is known of a model by its files.

    Attributes:
        dimensions: Numbers a vector.
        revision: A hash of the files: another one is another model.
    """

    dimensions: int
    revision: str


def files_in(path: Path) -> tuple[str, ...]:
    """Return the files of a model: its settings, its vectors, its tokenizer.

    Raises:
        ConfigError: There is no folder, or no model in it.
    """
    if not path.is_dir():
        raise ConfigError(f"there is no folder {path}; {_advice(path)}")
    files = next((layout for layout in _LAYOUTS if all((path / file).is_file() for file in layout)), None)
    if files is None:
        wanted = ", ".join(_LAYOUTS[0])
        raise ConfigError(f"{path} has no model of model2vec in it: its files are {wanted}")
    return files


def look_into(path: Path) -> ModelFolder:
    """Return what a folder's files say.

    Raises:
        ConfigError: There is no folder, or no model in it that can be read.
    """
    files = files_in(path)
    digest = hashlib.sha256()
    try:
        for file in files:
            with (path / file).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return ModelFolder(_dimensions(path / files[1]), digest.hexdigest()[:16])
    except OSError as error:
        raise ConfigError(f"can't read the model in {path}: {error}") from None


def _dimensions(file: Path) -> int:
    """Return the length of the rows in a file of safetensors, by its header."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        try:
            header: dict[str, Any] = json.loads(stream.read(length)) if length < _LONGEST_HEADER else {}
            _, dimensions = next(header[name]["shape"] for name in _TENSORS if name in header)
            return int(dimensions)
        except (ValueError, TypeError, KeyError, StopIteration):
            raise ConfigError(f"{file} is no file of vectors; fetch the model again") from None


def _advice(path: Path) -> str:
    """Say how to get a model, whose name on the hub is mostly given in its place."""
    name = path.as_posix()
    named = name if name.count("/") == 1 and not path.is_absolute() else "minishlab/potion-base-8M"
    folder = named.rpartition("/")[2]
    return (
        "no model is fetched at run time: fetch it beforehand, as by "
        f"`hf download {named} --local-dir {folder}`, and set path to that folder in [embedders.model2vec]"
    )
