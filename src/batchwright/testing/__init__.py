"""The kit for plugin authors: contracts to subclass, which pytest runs against a plugin.

Each check's name says what must hold, and its docstring what to do where it doesn't::

    import pytest
    from batchwright.testing import SinkContract

    class TestMySink(SinkContract):
        @pytest.fixture
        def make_sink(self, tmp_path):
            return lambda: MySink(MyOptions(url=f"mine:///{tmp_path}/kb"))

        @pytest.fixture
        def stored(self, tmp_path):
            return lambda: read_published_rows(tmp_path / "kb")  # not through the sink

`SinkContract` (with `VectorsContract` beside it, for a sink that keeps vectors), `SourceContract`,
`ReaderContract`, `RowReaderContract`, `EmbedderContract`, `ReporterContract`, `ClassifierContract` and
`SizerContract` each say which fixtures they want, and which others add checks; `RunContract` runs the command
into a sink, and kills it. A check that doesn't apply is overridden by one that skips, and says why. For tests
of your own there are events (`ordinary_run`, `every_event`), a target and a server of embeddings that fail as
you tell them to (`ScriptedTarget`, `EmbeddingsServer`), `testing.scenario` and `testing.crashes` (a load that
is killed at each step) and `testing.imports` (does a plugin keep to public names). It needs pytest, which
nothing else in batchwright does: ``pip install batchwright[testing]``.
"""

try:
    import pytest
except ImportError as error:
    raise ImportError(
        "batchwright.testing needs pytest; install it: pip install 'batchwright[testing]'"
    ) from error
else:  # so that a failing check shows its values
    pytest.register_assert_rewrite(
        *(
            f"{__name__}.{module}"
            for module in (
                "classifiers",
                "embedders",
                "published",
                "readers",
                "reporters",
                "runs",
                "sinks",
                "sizers",
                "sources",
            )
        )
    )

from batchwright.testing.classifiers import Case, ClassifierContract
from batchwright.testing.embedders import EmbedderContract
from batchwright.testing.embeddings_server import (
    EmbeddingsProcess,
    EmbeddingsServer,
    ServerFault,
    ServerSettings,
)
from batchwright.testing.published import Stored
from batchwright.testing.readers import ReaderContract, RowReaderContract
from batchwright.testing.records import SECRET
from batchwright.testing.reporters import ReporterContract
from batchwright.testing.runs import RunContract
from batchwright.testing.samples import every_event, ordinary_run
from batchwright.testing.scripted import Fault, ScriptedTarget, fail_bad, fail_times, make_corpus
from batchwright.testing.sinks import Block, Damage, Faults, MakeSink, Sever, SinkContract, VectorsContract
from batchwright.testing.sizers import SizerContract
from batchwright.testing.sources import SourceContract

__all__ = [
    "SECRET",
    "Block",
    "Case",
    "ClassifierContract",
    "Damage",
    "EmbedderContract",
    "EmbeddingsProcess",
    "EmbeddingsServer",
    "Fault",
    "Faults",
    "MakeSink",
    "ReaderContract",
    "ReporterContract",
    "RowReaderContract",
    "RunContract",
    "ScriptedTarget",
    "ServerFault",
    "ServerSettings",
    "Sever",
    "SinkContract",
    "SizerContract",
    "SourceContract",
    "Stored",
    "VectorsContract",
    "every_event",
    "fail_bad",
    "fail_times",
    "make_corpus",
    "ordinary_run",
]
