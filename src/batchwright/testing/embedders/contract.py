"""The whole contract of an embedder."""

from __future__ import annotations

from batchwright.testing.embedders.lifecycle import LifecycleChecks
from batchwright.testing.embedders.models import ModelChecks
from batchwright.testing.embedders.outages import OutageChecks
from batchwright.testing.embedders.refusals import RefusalChecks
from batchwright.testing.embedders.secrecy import SecrecyChecks
from batchwright.testing.embedders.vectors import VectorChecks


class EmbedderContract(
    VectorChecks, RefusalChecks, ModelChecks, LifecycleChecks, OutageChecks, SecrecyChecks
):
    """Subclass it as ``TestMyEmbedder``, and supply a fixture. `EmbeddingsServer` may stand for the model's.

    Fixtures to supply:
        make_embedder: A callable that returns a new embedder; within a test always of the same model.

    Fixtures that add checks:
        refused_text: A text that the model refuses whatever stands beside it.
        cut_off: ``cut_off()`` is a context in which the model can't be reached.
        wrong_embedder: An embedder that can't reach its model, with `SECRET` as its key.

    Attributes:
        patience: Seconds that anything may take before it counts as hanging.
        likeness: Two vectors of one text are as near as this, by cosine: the machines of some providers
            compute a little differently each time.

    A promise that an embedder can't keep is taken out by overriding its check with one that skips, and says
    why.
    """
