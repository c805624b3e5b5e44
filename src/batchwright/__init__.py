"""Loads documents into a database in batches, through plugins, with an exact account of every one."""

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
    IncompleteDocument,
    PluginError,
    RunFailed,
    RunInterrupted,
    SinkError,
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
from batchwright.sink import SearchHit, Sink, SinkLimits, SinkOptions
from batchwright.sizing import SizeLimits, SizingFeedback

__version__ = "0.1.0"

__all__ = [
    "Account",
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
    "Failure",
    "IncompleteDocument",
    "KnownDocument",
    "Ledger",
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
    "Sink",
    "SinkError",
    "SinkLimits",
    "SinkOptions",
    "SizeLimits",
    "SizingFeedback",
    "Verdict",
    "__version__",
    "calculate_batch_size",
    "create_batches",
    "hookimpl",
]
