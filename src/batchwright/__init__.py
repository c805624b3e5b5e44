"""Loads documents into a database in batches, through plugins, with an exact account of every one.

The names are imported when they are first asked for, so that a command that needs few of them starts fast.
"""

import importlib as _importlib
import typing as _typing

from batchwright.version import __version__

if _typing.TYPE_CHECKING:
    from batchwright.account import Account, DocumentCounts, RecordCounts
    from batchwright.batching import calculate_batch_size, create_batches
    from batchwright.config import BatchConfig
    from batchwright.errors import (
        BadRecords,
        BatchTooLarge,
        BatchwrightError,
        ConfigError,
        DeadlineExceeded,
        DocumentError,
        ExecutorError,
        IncompleteDocument,
        PluginError,
        RunFailed,
        RunInterrupted,
        SinkError,
    )
    from batchwright.executor import (
        AnyExecutor,
        Execution,
        Executor,
        ExecutorOptions,
        Job,
        Message,
        Partition,
        Share,
    )
    from batchwright.failure import Failure, Verdict
    from batchwright.hookspecs import hookimpl
    from batchwright.ledger import DocumentVersion, KnownDocument, Ledger, Publication, Receipt, Reject, Run
    from batchwright.line import RunResult
    from batchwright.model import (
        Batch,
        BatchProgress,
        BatchResult,
        Document,
        ErrorRecoveryAction,
        ProcessedChunk,
    )
    from batchwright.plugins import PluginInfo, PluginManager
    from batchwright.pool import DatabasePool
    from batchwright.processor import BatchProcessor
    from batchwright.reporter import Reporter, ReporterOptions
    from batchwright.sink import AnySink, Holding, SearchHit, Sink, SinkLimits, SinkOptions
    from batchwright.sizing import SizeLimits, SizingFeedback
    from batchwright.stop import Stop
    from batchwright.worker import load_partition

_HOMES = {
    "account": (
        "Account",
        "DocumentCounts",
        "RecordCounts",
    ),
    "batching": (
        "calculate_batch_size",
        "create_batches",
    ),
    "config": ("BatchConfig",),
    "errors": (
        "BadRecords",
        "BatchTooLarge",
        "BatchwrightError",
        "ConfigError",
        "DeadlineExceeded",
        "DocumentError",
        "ExecutorError",
        "IncompleteDocument",
        "PluginError",
        "RunFailed",
        "RunInterrupted",
        "SinkError",
    ),
    "executor": (
        "AnyExecutor",
        "Execution",
        "Executor",
        "ExecutorOptions",
        "Job",
        "Message",
        "Partition",
        "Share",
    ),
    "failure": (
        "Failure",
        "Verdict",
    ),
    "hookspecs": ("hookimpl",),
    "ledger": (
        "DocumentVersion",
        "KnownDocument",
        "Ledger",
        "Publication",
        "Receipt",
        "Reject",
        "Run",
    ),
    "line": ("RunResult",),
    "model": (
        "Batch",
        "BatchProgress",
        "BatchResult",
        "Document",
        "ErrorRecoveryAction",
        "ProcessedChunk",
    ),
    "plugins": (
        "PluginInfo",
        "PluginManager",
    ),
    "pool": ("DatabasePool",),
    "processor": ("BatchProcessor",),
    "reporter": (
        "Reporter",
        "ReporterOptions",
    ),
    "sink": (
        "AnySink",
        "Holding",
        "SearchHit",
        "Sink",
        "SinkLimits",
        "SinkOptions",
    ),
    "sizing": (
        "SizeLimits",
        "SizingFeedback",
    ),
    "stop": ("Stop",),
    "worker": ("load_partition",),
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
    "AnyExecutor",
    "AnySink",
    "BadRecords",
    "Batch",
    "BatchConfig",
    "BatchProcessor",
    "BatchProgress",
    "BatchResult",
    "BatchTooLarge",
    "BatchwrightError",
    "ConfigError",
    "DatabasePool",
    "DeadlineExceeded",
    "Document",
    "DocumentCounts",
    "DocumentError",
    "DocumentVersion",
    "ErrorRecoveryAction",
    "Execution",
    "Executor",
    "ExecutorError",
    "ExecutorOptions",
    "Failure",
    "Holding",
    "IncompleteDocument",
    "Job",
    "KnownDocument",
    "Ledger",
    "Message",
    "Partition",
    "PluginError",
    "PluginInfo",
    "PluginManager",
    "ProcessedChunk",
    "Publication",
    "Receipt",
    "RecordCounts",
    "Reject",
    "Reporter",
    "ReporterOptions",
    "Run",
    "RunFailed",
    "RunInterrupted",
    "RunResult",
    "SearchHit",
    "Share",
    "Sink",
    "SinkError",
    "SinkLimits",
    "SinkOptions",
    "SizeLimits",
    "SizingFeedback",
    "Stop",
    "Verdict",
    "__version__",
    "calculate_batch_size",
    "create_batches",
    "hookimpl",
    "load_partition",
]
