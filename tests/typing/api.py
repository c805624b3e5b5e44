"""The public names as a type checker sees them. Never run: `mypy --strict` reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, assert_type

from batchwright import (
    Account,
    Batch,
    BatchConfig,
    BatchProcessor,
    BatchProgress,
    BatchResult,
    DatabasePool,
    ErrorRecoveryAction,
    Failure,
    Finding,
    KnownDocument,
    Ledger,
    Plan,
    PluginInfo,
    PluginManager,
    ProcessedChunk,
    Receipt,
    RecordType,
    Reject,
    Replayed,
    Reporter,
    ReporterOptions,
    Run,
    RunResult,
    Searchable,
    SearchHit,
    Sink,
    SinkOptions,
    SizeLimits,
    SizingFeedback,
    Status,
    Stop,
    Store,
    Target,
    Verdict,
    calculate_batch_size,
    create_batches,
    hookimpl,
)
from batchwright.contracts.events import BatchWritten, Event
from batchwright.documents import Chunker, MarkdownReader, Tokenizer

# --- batches ------------------------------------------------------------------------------------------

assert_type(calculate_batch_size(2600), int)
assert_type(calculate_batch_size(2600, max_batch_size=32), int)
assert_type(create_batches([1, 2, 3]), list[Batch[int]])
assert_type(create_batches(["a"], batch_size=None)[0].documents, Sequence[str])
assert_type(Batch([1], 0).metadata, dict[str, Any])
create_batches([1], batch_size="2")  # type: ignore[arg-type]

# --- the processor ------------------------------------------------------------------------------------

config = BatchConfig(input_dir=Path("docs"), batch_size=32, chunk_max_tokens=512)
assert_type(config.input_dir, Path | None)
assert_type(BatchConfig(source="docs").source_url, str)
assert_type(BatchConfig(source=Path("docs")).source, str | Path | None)
assert_type(BatchConfig.load(), BatchConfig)
assert_type(BatchConfig.load("my.toml", environ={}, workers=4), BatchConfig)
BatchConfig(workers="many")  # type: ignore[arg-type]
assert_type(config.batch_size, int | None)
assert_type(config.executors, dict[str, dict[str, Any]])

processor = BatchProcessor(config)
assert_type(processor.process_directory(), list[str])
assert_type(processor.run(), RunResult)
assert_type(processor.run().account, Account)
assert_type(processor.run(stop=Stop()).state, Literal["done", "failed", "interrupted"])


async def await_them() -> None:
    assert_type(await processor.arun(), RunResult)
    assert_type(await processor.aload([{"id": 1}], record=RecordType.of(ProcessedChunk)), RunResult)


assert_type(processor.load(iter([ProcessedChunk("text")]), prune=True, stop=Stop()), RunResult)
assert_type(
    processor.load([object()], record=ProcessedChunk, key="source_file", text="chunk_text"), RunResult
)
assert_type(processor.delete([1, "two"], "articles", record=ProcessedChunk), int)


with Target("sqlite:///kb.db") as kb:
    assert_type(kb, Target)
    assert_type(kb.search("words", limit=5), list[SearchHit])
    assert_type(kb.status(), Status)
    assert_type(kb.runs(), list[Run])
    assert_type(kb.documents(), Iterator[KnownDocument])
    assert_type(kb.rejects(error="23505"), Iterator[Reject])
    assert_type(list(kb.verify()), list[Finding])
    assert_type(kb.replay(kb.rejects()), Iterator[Replayed])
    assert_type(kb.plan(), Plan)


def insert(batch: Batch[ProcessedChunk]) -> int:
    return processor.insert_chunks(batch.documents).account.records.written


chunks = [ProcessedChunk("text", source_file="a.md")]
for batch in create_batches(chunks):
    assert_type(processor.process_batch_with_retry(batch, insert), BatchResult)
    assert_type(
        processor.process_batch_with_retry(batch, lambda b: len(b.documents), max_retries=1), BatchResult
    )
    assert_type(processor.handle_error(ValueError(), batch), ErrorRecoveryAction)
    processor.track_progress(batch_index=0, total_batches=1, documents_count=1)
assert_type(processor.get_progress(), BatchProgress)
assert_type(processor.get_progress().percent_complete, float)
assert_type(processor.get_progress().has_errors, bool)
assert_type(processor.get_progress().errors, list[str])
assert_type(processor.get_progress().start_time, datetime | None)
processor.process_batch_with_retry(batch, lambda b: "two")  # type: ignore[arg-type, return-value]

with processor as same:
    assert_type(same, BatchProcessor)
    same.stop()

# --- values -------------------------------------------------------------------------------------------

assert_type(chunks[0].document_date, date | None)
assert_type(chunks[0].source_category, str | None)
chunks[0].chunk_text = "other"  # type: ignore[misc]
assert_type(Chunker(512).chunk(MarkdownReader().read("a.md"), "id"), list[ProcessedChunk])
assert_type(Tokenizer().count("text"), int)

# --- plugins ------------------------------------------------------------------------------------------


@hookimpl
def classify_error(failure: Failure) -> Verdict | ErrorRecoveryAction | None:
    assert_type(failure.sqlstate, str | None)
    assert_type(failure.http_status, int | None)
    return Verdict(ErrorRecoveryAction.RETRY, "busy", wait=30)


@hookimpl
def batch_size(feedback: SizingFeedback, limits: SizeLimits) -> int | None:
    assert_type(limits.rows, int)
    return feedback.last_size or None


class Options(SinkOptions):
    colour: str = "white"


class MySink(Sink[Options]):
    name: ClassVar[str] = "mine"
    schemes: ClassVar[tuple[str, ...]] = ("mine",)
    options_type = Options

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> MyStore:
        assert_type(self.options.colour, str)
        return MyStore()


class MyStore(Store, Searchable):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        assert_type(receipt.batch_index, int | None)
        assert_type(receipt.removed, tuple[str, ...])

    def search(
        self, text: str, limit: int = 10, *, collection: str | None = None, **asked: Any
    ) -> list[SearchHit]:
        return [SearchHit("id", "docs", "a.md", "", text, 1.0)]


sink = MySink(Options(url="mine://"))  # type: ignore[arg-type]  # pydantic makes a SecretStr of it
assert_type(sink.identity(), str)
with sink.open() as store:
    assert_type(store, MyStore)
    assert_type(store.record_type, RecordType)
    assert_type(store.ledger, Ledger | None)
    assert_type(store.search("text"), list[SearchHit])
with DatabasePool(sink) as pool, pool.connection() as lent:
    assert_type(lent, Store)
    if isinstance(lent, Searchable):
        assert_type(lent.search("text"), Sequence[SearchHit])


class MyReporter(Reporter[ReporterOptions]):
    name: ClassVar[str] = "mine"

    def handle(self, event: Event) -> None:
        if isinstance(event, BatchWritten):
            assert_type(event.seconds, float)
            assert_type(event.batch_index, int | None)


manager = PluginManager.load([MyReporter])
assert_type(manager.listing(), list[PluginInfo])
BatchProcessor(config, manager=manager, reporters=[MyReporter(ReporterOptions())])
