"""What is public: names, and signatures that users' code relies on. A change here is a change for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

import batchwright
import batchwright.contracts.events
import batchwright.contracts.figures
import batchwright.documents

NAMES = """
    Account AnyEmbedder AnyExecutor AnyReader AnySink AnySource BadLine BadRecords Batch BatchConfig
    BatchProcessor BatchProgress BatchResult BatchTooLarge BatchwrightError Collection CollectionBusy
    CollectionStatus ConfigError Corrected CountedVectors DatabasePool DeadlineExceeded DeletedRow
    Document DocumentCounts DocumentError DocumentVersion Embedded Embedder EmbedderError EmbedderLimits
    EmbedderOptions EmbeddingModel ErrorRecoveryAction Execution Executor ExecutorError ExecutorOptions
    Failure Fate Fault Fetched Field Finding Findings Holding IncompleteDocument Inspectable Item
    ItemDocuments ItemReader ItemVersion Job KnownDocument Lease LeaseLost Ledger LeftOut Omission Owner
    Partition Patience Place Plan PluginError PluginFault PluginInfo PluginManager ProcessedChunk Publication
    Reader ReaderOptions Receipt RecordCounts RecordType Reindexed Reject RejectFilter Replayed Reporter
    ReporterOptions RowReader Run RunFailed RunInterrupted RunResult Sampled SearchHit Searchable Share
    Sink SinkError SinkLimits SinkOptions SizeLimits SizingFeedback Source SourceError SourceLimits
    SourceOptions Status Stop Store StoredModel Target TextRefused Unembedded VectorAccount VectorCounts
    Vectors Verdict Verification WorkerUnfit __version__ calculate_batch_size check_worker
    create_batches hookimpl load_partition
"""
DOCUMENT_NAMES = (
    "Chunk Chunker Cleaner LeftOutCounts MarkdownReader Selection Tokenizer bare context_header decoded "
    "decompressed describe discover finished open_file replaced"
)
FIGURE_NAMES = "FIGURES Figure Figures figures_of"
EVENT_NAMES = """
    BatchFailed BatchFinished BatchRetrying BatchSplit BatchStarted BatchWritten DocumentFinished
    DocumentsFinished DocumentsRead DocumentsRemoved EmbeddingStarted ErrorClassified Event InputCounted
    ItemLeftOut OutageEnded OutageStarted RecordRejected RowsEmbedded RowsRead RunFinished RunNotStarted
    RunStarted StopRequested TextsEmbedded TextsQueued VectorsSwept from_dict
"""


def test_public_names() -> None:
    assert batchwright.__all__ == NAMES.split()
    assert batchwright.documents.__all__ == DOCUMENT_NAMES.split()
    assert batchwright.contracts.events.__all__ == EVENT_NAMES.split()
    assert batchwright.contracts.figures.__all__ == FIGURE_NAMES.split()


@pytest.mark.parametrize("module", [batchwright, batchwright.documents])
def test_every_public_name_exists_and_no_other_of_ours_is_beside_it(module: Any) -> None:
    for name in module.__all__:
        assert getattr(module, name) is not None
    ours = {
        name
        for name, value in vars(module).items()
        if str(getattr(value, "__module__", "")).startswith("batchwright") and not name.startswith("_")
    }
    assert ours <= set(module.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="BatchProcesor"):
        getattr(batchwright, "BatchProcesor")  # noqa: B009 - for a type checker it is not there either


# Sink[Any] and the like, which say nothing of their own
ALIASES = ("AnyEmbedder", "AnyExecutor", "AnyReader", "AnySink", "AnySource")


@pytest.mark.parametrize("name", [n for n in NAMES.split() if not n.startswith("_") and n not in ALIASES])
def test_every_public_name_is_documented_where_it_is_defined(name: str) -> None:
    assert inspect.getdoc(getattr(batchwright, name))


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (batchwright.calculate_batch_size, "(total_items: int, max_batch_size: int = 32) -> int"),
        (
            batchwright.create_batches,
            "(documents: Sequence[Record], batch_size: int | None = None) -> list[Batch[Record]]",
        ),
        (batchwright.BatchProcessor.process_directory, "(self) -> list[str]"),
        (
            batchwright.BatchProcessor.process_batch_with_retry,
            "(self, batch: Batch[Any], processor: Callable[[Batch[Any]], int], max_retries: int = 3)"
            " -> BatchResult",
        ),
        (
            batchwright.BatchProcessor.handle_error,
            "(self, error: Exception, batch: Batch[Any]) -> ErrorRecoveryAction",
        ),
        (
            batchwright.BatchProcessor.track_progress,
            "(self, batch_index: int, total_batches: int, documents_count: int) -> None",
        ),
        (batchwright.BatchProcessor.get_progress, "(self) -> BatchProgress"),
    ],
)
def test_signatures(function: Callable[..., Any], signature: str) -> None:
    assert str(inspect.signature(function)).replace("'", "") == signature


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (batchwright.Batch, "documents batch_index metadata"),
        (
            batchwright.BatchProgress,
            "batches_completed batches_total documents_processed errors start_time current_batch_index",
        ),
        (batchwright.BatchResult, "success retry_count error documents_processed batch_index"),
        (
            batchwright.ProcessedChunk,
            "chunk_text chunk_hash context_header source_file source_category document_date chunk_index "
            "total_chunks chunk_token_count metadata id span_start span_end line page",
        ),
        (batchwright.Verdict, "action reason wait"),
        (batchwright.Failure, "error batch attempt phase"),
    ],
)
def test_fields(kind: Any, names: str) -> None:
    assert [field.name for field in fields(kind)] == names.split()


def test_actions() -> None:
    actions = {action.name: action.value for action in batchwright.ErrorRecoveryAction}
    assert actions == {"RETRY": "retry", "SKIP": "skip", "FAIL": "fail"}


def test_the_settings_that_the_report_fixes() -> None:
    settings = batchwright.BatchConfig.model_fields
    assert (settings["input_dir"].default, settings["source"].default) == (None, None)
    assert (settings["batch_size"].default, settings["chunk_max_tokens"].default) == (None, 512)
    assert settings["to"].default == "sqlite:///batchwright.db"
    assert batchwright.BatchConfig.model_config["extra"] == "forbid"


def test_our_exceptions_have_one_root() -> None:
    public = [getattr(batchwright, name) for name in batchwright.__all__]
    found = [value for value in public if inspect.isclass(value) and issubclass(value, Exception)]
    assert len(found) == 18
    assert all(issubclass(error, batchwright.BatchwrightError) for error in found)
