"""The whole contract of the vectors of a store."""

from __future__ import annotations

from batchwright.testing.sinks.vectors_found import FoundVectorChecks
from batchwright.testing.sinks.vectors_kept import KeptVectorChecks


class VectorsContract(KeptVectorChecks, FoundVectorChecks):
    """Subclass it beside `SinkContract` for a sink whose stores have `vectors`, and supply the same fixtures.

    Fixtures to supply:
        make_sink: A callable that returns a new sink; within a test always of the same target, which is empty
            when the test begins.
        stored: A callable that returns the published rows, read without the sink.
    """
