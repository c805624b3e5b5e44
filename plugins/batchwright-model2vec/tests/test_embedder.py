"""The model in a folder: what is loaded, what is refused, what never happens."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import batchwright_model2vec
import numpy as np
import pytest
from batchwright_model2vec import Model2VecEmbedder, Model2VecOptions
from batchwright_model2vec.folder import look_into
from model2vec import StaticModel

from batchwright import BadRecords, ConfigError, PluginManager
from batchwright.testing.imports import private_imports

from .conftest import Make, save

README = Path(__file__).parents[1] / "README.md"


def test_the_vectors_are_those_of_model2vec(make: Make, folder: Path) -> None:
    texts = ["one", "two words", "x" * 3_000 + "y" * 3_000]
    wanted = StaticModel.from_pretrained(folder).encode(texts, max_length=None)
    np.testing.assert_allclose(make().embed(texts), wanted, rtol=1e-5)


def test_the_whole_of_a_long_text_counts(make: Make) -> None:
    one, other = make().embed(["x" * 3_000, "x" * 2_999 + "y"])
    assert one != other


@pytest.mark.parametrize("name", ["minishlab/potion-base-8M", "nothing", "/no/where"])
def test_what_is_no_folder_says_how_to_fetch_a_model_and_fetches_nothing(make: Make, name: str) -> None:
    embedder = make(Path(name))
    for ask in (lambda: embedder.model, lambda: embedder.embed(["x"]), embedder.probe):
        with pytest.raises(
            ConfigError, match="hf download minishlab/potion-base-8M --local-dir potion-base-8M"
        ):
            ask()


def test_a_model_that_is_gone_behind_its_model_is_not_fetched(make: Make, tmp_path: Path) -> None:
    embedder = make(save(tmp_path / "tiny"))
    assert embedder.model.name == "tiny"
    shutil.rmtree(tmp_path / "tiny")
    with pytest.raises(ConfigError, match="no folder"):
        embedder.embed(["x"])


def test_a_folder_without_a_model_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no model"):
        make(tmp_path).embed(["x"])
    for content in (b"", b"\0" * 8, b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 100):
        folder = save(tmp_path / "spoilt")
        (folder / "model.safetensors").write_bytes(content)
        with pytest.raises(ConfigError, match="fetch the model again"):
            _ = make(folder).model
    folder = save(tmp_path / "spoilt")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match="can't load the model"):
        make(folder).embed(["x"])


def test_a_model_is_its_files(make: Make, folder: Path, tmp_path: Path) -> None:
    model = make().model
    assert (model.name, model.dimensions, model.metric) == ("tiny", 24, "cosine")
    copied = shutil.copytree(folder, tmp_path / "tiny")
    (copied / "README.md").write_text("other words")
    assert make(copied).model == model
    assert make(save(tmp_path / "other" / "tiny", seed=2)).model.revision != model.revision
    (copied / "config.json").write_text('{"normalize": true}')
    assert make(copied).model.revision != model.revision
    assert make(name="mine").model.name == "mine"


def test_the_folders_of_sentence_transformers_are_known(folder: Path, tmp_path: Path) -> None:
    nested = tmp_path / "nested" / "0_StaticEmbedding"
    nested.mkdir(parents=True)
    shutil.copy(folder / "tokenizer.json", nested)
    vectors = StaticModel.from_pretrained(folder).embedding
    from safetensors.numpy import save_file

    save_file({"embedding.weight": vectors}, nested / "model.safetensors")
    (tmp_path / "nested" / "config_sentence_transformers.json").write_text("{}")
    assert look_into(tmp_path / "nested").dimensions == 24
    embedder = Model2VecEmbedder(Model2VecOptions(path=tmp_path / "nested"))
    assert len(embedder.embed(["word"])[0]) == 24


def test_a_text_without_a_known_word_is_named(make: Make, tmp_path: Path) -> None:
    embedder = make(save(tmp_path / "few", alphabet=40))
    with pytest.raises(BadRecords) as caught:
        embedder.embed(["A", "\u4e16", "A"])
    assert caught.value.reasons == {1: "the model knows no word of it"}


def test_the_environment_is_as_before(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    make().embed(["x"])
    assert "HF_HUB_OFFLINE" not in os.environ
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    make().embed(["x"])
    assert os.environ["HF_HUB_OFFLINE"] == "0"


def test_the_embedder_is_found_by_its_name() -> None:
    assert PluginManager.load().offered("embedder")["model2vec"] is Model2VecEmbedder


def test_the_model_is_known_and_plugins_are_loaded_without_numpy(folder: Path) -> None:
    code = (
        "import sys, batchwright_model2vec as m;"
        f"e = m.Model2VecEmbedder(m.Model2VecOptions(path={str(folder)!r})); e.model; e.tokens('word');"
        "sys.exit(' '.join({'numpy', 'model2vec', 'tokenizers'} & set(sys.modules)) or None)"
    )
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code) == 0


def test_only_public_names_of_batchwright_are_imported() -> None:
    assert private_imports([Path(batchwright_model2vec.__file__).parent, Path(__file__).parent]) == []


def test_the_readme_tells_options_and_defaults() -> None:
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| `")]
    for name in Model2VecOptions.model_fields:
        assert len([row for row in rows if row.startswith(f"| `{name}` ")]) == 1, name
