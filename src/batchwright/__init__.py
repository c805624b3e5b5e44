"""Loads documents, rows and objects into a database in batches, and reports what became of each one.

The names are imported when they are first asked for, so that a command that needs few of them starts fast.
"""

import importlib as _importlib
import typing as _typing

from batchwright.version import __version__

if _typing.TYPE_CHECKING:
    from batchwright.batching import calculate_batch_size, create_batches
    from batchwright.config import BatchConfig
    from batchwright.contracts.account import Account, DocumentCounts, RecordCounts, VectorAccount
    from batchwright.contracts.embedder import (
        AnyEmbedder,
        CountedVectors,
        Embedder,
        EmbedderLimits,
        EmbedderOptions,
        EmbeddingModel,
    )
    from batchwright.contracts.executor import AnyExecutor, Execution, Executor, ExecutorOptions
    from batchwright.contracts.failure import Failure, Verdict
    from batchwright.contracts.faults import PluginFault
    from batchwright.contracts.fields import Field
    from batchwright.contracts.hookspecs import hookimpl
    from batchwright.contracts.lease import Lease, Owner, Patience
    from batchwright.contracts.ledger import Ledger
    from batchwright.contracts.partition import Findings, Job, Partition, Sampled, Share
    from batchwright.contracts.reader import (
        AnyReader,
        BadLine,
        DeletedRow,
        ItemReader,
        Reader,
        ReaderOptions,
        RowReader,
    )
    from batchwright.contracts.receipts import (
        Collection,
        DocumentVersion,
        ItemDocuments,
        ItemVersion,
        KnownDocument,
        Publication,
        Receipt,
        Reject,
        RejectFilter,
        Run,
    )
    from batchwright.contracts.records import RecordType
    from batchwright.contracts.reporter import Reporter, ReporterOptions
    from batchwright.contracts.search import Place, Searchable, SearchHit
    from batchwright.contracts.sink import (
        AnySink,
        Holding,
        Inspectable,
        Sink,
        SinkLimits,
        SinkOptions,
        Store,
    )
    from batchwright.contracts.sizing import SizeLimits, SizingFeedback
    from batchwright.contracts.source import AnySource, Fetched, Source, SourceLimits, SourceOptions
    from batchwright.contracts.stop import Stop
    from batchwright.contracts.vectors import (
        Embedded,
        StoredModel,
        Unembedded,
        VectorCounts,
        Vectors,
    )
    from batchwright.engine.fitness import check_worker
    from batchwright.engine.result import RunResult
    from batchwright.engine.store.pool import DatabasePool
    from batchwright.engine.worker import load_partition
    from batchwright.errors import (
        BadRecords,
        BatchTooLarge,
        BatchwrightError,
        CollectionBusy,
        ConfigError,
        DeadlineExceeded,
        DocumentError,
        EmbedderError,
        ExecutorError,
        IncompleteDocument,
        LeaseLost,
        PluginError,
        RunFailed,
        RunInterrupted,
        SinkError,
        SourceError,
        TextRefused,
        WorkerUnfit,
    )
    from batchwright.items import Item
    from batchwright.model import (
        Batch,
        BatchProgress,
        BatchResult,
        Document,
        ErrorRecoveryAction,
        LeftOut,
        Omission,
        ProcessedChunk,
    )
    from batchwright.operations.collections import CollectionStatus
    from batchwright.operations.corrected import Corrected
    from batchwright.operations.plan import Plan
    from batchwright.operations.reindex import Reindexed
    from batchwright.operations.replay import Fate, Replayed
    from batchwright.operations.status import Status
    from batchwright.operations.verify import Fault, Finding, Verification
    from batchwright.plugins.info import PluginInfo
    from batchwright.plugins.manager import PluginManager
    from batchwright.processor import BatchProcessor
    from batchwright.target import Target

_HOMES = {
    "batching": (
        "calculate_batch_size",
        "create_batches",
    ),
    "config": ("BatchConfig",),
    "contracts.account": (
        "Account",
        "DocumentCounts",
        "RecordCounts",
        "VectorAccount",
    ),
    "contracts.embedder": (
        "AnyEmbedder",
        "CountedVectors",
        "Embedder",
        "EmbedderLimits",
        "EmbedderOptions",
        "EmbeddingModel",
    ),
    "contracts.executor": (
        "AnyExecutor",
        "Execution",
        "Executor",
        "ExecutorOptions",
    ),
    "contracts.failure": (
        "Failure",
        "Verdict",
    ),
    "contracts.faults": ("PluginFault",),
    "contracts.hookspecs": ("hookimpl",),
    "contracts.lease": ("Lease", "Owner", "Patience"),
    "contracts.ledger": ("Ledger",),
    "contracts.partition": (
        "Findings",
        "Job",
        "Partition",
        "Sampled",
        "Share",
    ),
    "contracts.receipts": (
        "Collection",
        "DocumentVersion",
        "ItemDocuments",
        "ItemVersion",
        "KnownDocument",
        "Publication",
        "Receipt",
        "Reject",
        "RejectFilter",
        "Run",
    ),
    "contracts.reader": (
        "AnyReader",
        "BadLine",
        "DeletedRow",
        "ItemReader",
        "Reader",
        "ReaderOptions",
        "RowReader",
    ),
    "contracts.reporter": (
        "Reporter",
        "ReporterOptions",
    ),
    "contracts.fields": ("Field",),
    "contracts.records": ("RecordType",),
    "contracts.search": ("Place", "SearchHit", "Searchable"),
    "contracts.sink": (
        "AnySink",
        "Holding",
        "Inspectable",
        "Sink",
        "SinkLimits",
        "SinkOptions",
        "Store",
    ),
    "contracts.sizing": (
        "SizeLimits",
        "SizingFeedback",
    ),
    "contracts.source": ("AnySource", "Fetched", "Source", "SourceLimits", "SourceOptions"),
    "contracts.stop": ("Stop",),
    "contracts.vectors": ("Embedded", "StoredModel", "Unembedded", "VectorCounts", "Vectors"),
    "engine.store.pool": ("DatabasePool",),
    "engine.result": ("RunResult",),
    "engine.fitness": ("check_worker",),
    "engine.worker": ("load_partition",),
    "errors": (
        "BadRecords",
        "BatchTooLarge",
        "BatchwrightError",
        "CollectionBusy",
        "ConfigError",
        "DeadlineExceeded",
        "DocumentError",
        "EmbedderError",
        "ExecutorError",
        "IncompleteDocument",
        "LeaseLost",
        "PluginError",
        "RunFailed",
        "RunInterrupted",
        "SinkError",
        "SourceError",
        "TextRefused",
        "WorkerUnfit",
    ),
    "items": ("Item",),
    "model": (
        "Batch",
        "BatchProgress",
        "BatchResult",
        "Document",
        "ErrorRecoveryAction",
        "LeftOut",
        "Omission",
        "ProcessedChunk",
    ),
    "operations.collections": ("CollectionStatus",),
    "operations.corrected": ("Corrected",),
    "operations.plan": ("Plan",),
    "operations.reindex": ("Reindexed",),
    "operations.replay": (
        "Fate",
        "Replayed",
    ),
    "operations.status": ("Status",),
    "operations.verify": (
        "Fault",
        "Finding",
        "Verification",
    ),
    "plugins.info": ("PluginInfo",),
    "plugins.manager": ("PluginManager",),
    "processor": ("BatchProcessor",),
    "target": ("Target",),
}
"""Where each public name lives."""


if not _typing.TYPE_CHECKING:  # a type checker shall see the imports above, and find what is misspelt

    def __getattr__(name: str) -> _typing.Any:
        for module, names in _HOMES.items():
            if name in names:
                value = getattr(_importlib.import_module(f"{__name__}.{module}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Account",
    "AnyEmbedder",
    "AnyExecutor",
    "AnyReader",
    "AnySink",
    "AnySource",
    "BadLine",
    "BadRecords",
    "Batch",
    "BatchConfig",
    "BatchProcessor",
    "BatchProgress",
    "BatchResult",
    "BatchTooLarge",
    "BatchwrightError",
    "Collection",
    "CollectionBusy",
    "CollectionStatus",
    "ConfigError",
    "Corrected",
    "CountedVectors",
    "DatabasePool",
    "DeadlineExceeded",
    "DeletedRow",
    "Document",
    "DocumentCounts",
    "DocumentError",
    "DocumentVersion",
    "Embedded",
    "Embedder",
    "EmbedderError",
    "EmbedderLimits",
    "EmbedderOptions",
    "EmbeddingModel",
    "ErrorRecoveryAction",
    "Execution",
    "Executor",
    "ExecutorError",
    "ExecutorOptions",
    "Failure",
    "Fate",
    "Fault",
    "Fetched",
    "Field",
    "Finding",
    "Findings",
    "Holding",
    "IncompleteDocument",
    "Inspectable",
    "Item",
    "ItemDocuments",
    "ItemReader",
    "ItemVersion",
    "Job",
    "KnownDocument",
    "Lease",
    "LeaseLost",
    "Ledger",
    "LeftOut",
    "Omission",
    "Owner",
    "Partition",
    "Patience",
    "Place",
    "Plan",
    "PluginError",
    "PluginFault",
    "PluginInfo",
    "PluginManager",
    "ProcessedChunk",
    "Publication",
    "Reader",
    "ReaderOptions",
    "Receipt",
    "RecordCounts",
    "RecordType",
    "Reindexed",
    "Reject",
    "RejectFilter",
    "Replayed",
    "Reporter",
    "ReporterOptions",
    "RowReader",
    "Run",
    "RunFailed",
    "RunInterrupted",
    "RunResult",
    "Sampled",
    "SearchHit",
    "Searchable",
    "Share",
    "Sink",
    "SinkError",
    "SinkLimits",
    "SinkOptions",
    "SizeLimits",
    "SizingFeedback",
    "Source",
    "SourceError",
    "SourceLimits",
    "SourceOptions",
    "Status",
    "Stop",
    "Store",
    "StoredModel",
    "Target",
    "TextRefused",
    "Unembedded",
    "VectorAccount",
    "VectorCounts",
    "Vectors",
    "Verdict",
    "Verification",
    "WorkerUnfit",
    "__version__",
    "calculate_batch_size",
    "check_worker",
    "create_batches",
    "hookimpl",
    "load_partition",
]
