"""A server of ``/v1/embeddings`` on the loopback, which fails as a script tells it to.

In a thread of the test, or in a process of its own that a killed load doesn't take along::

    with EmbeddingsServer([ServerFault(at=(3,), status=429, retry_after=1)]) as server:
        ...  # base_url = server.url
        assert [request.status for request in server.requests] == [200, 200, 429, 200]

    with EmbeddingsProcess(faults, log=tmp_path / "asked.jsonl") as server:
        ...  # server.requests reads the log, also after its end

By hand: ``python -m batchwright.testing.embeddings_server --port 8080``.
"""

from batchwright.testing.embeddings_server.faults import ServerFault
from batchwright.testing.embeddings_server.log import Asked, read_log
from batchwright.testing.embeddings_server.process import EmbeddingsProcess
from batchwright.testing.embeddings_server.server import EmbeddingsServer
from batchwright.testing.embeddings_server.settings import ServerSettings
from batchwright.testing.embeddings_server.vectors import hashed, vector_of

__all__ = [
    "Asked",
    "EmbeddingsProcess",
    "EmbeddingsServer",
    "ServerFault",
    "ServerSettings",
    "hashed",
    "read_log",
    "vector_of",
]
