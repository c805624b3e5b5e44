"""Storing and deleting records that a program brings itself."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from batchwright.config import BatchConfig, located, secrets_of
from batchwright.contracts.receipts import PROGRAM
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.sink import AnySink
from batchwright.contracts.stop import Stop
from batchwright.engine.collection import CHUNKS, program_collection
from batchwright.engine.result import RunResult
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.engine.store.retry import Schedule
from batchwright.model import ProcessedChunk
from batchwright.processor.base import Base

if TYPE_CHECKING:
    from batchwright.engine.program.records import OwnRecords

# A run loads nothing of a program's: what that takes is imported where it is used.


class LoadOptions(TypedDict, total=False):
    """What `Records.load` takes besides the records, each optional."""

    record: type | RecordType | None
    key: str
    text: str | None
    heading: str | None
    collection: str
    prune: bool
    on_stored: Callable[[list[str]], None]
    stop: Stop | None


class Records(Base):
    """The part of a processor that stores and deletes what a program brings."""

    def load(
        self,
        records: Iterable[Any],
        *,
        record: type | RecordType | None = None,
        key: str = "id",
        text: str | None = None,
        heading: str | None = None,
        collection: str = "",
        prune: bool = False,
        on_stored: Callable[[list[str]], None] = lambda _: None,
        stop: Stop | None = None,
    ) -> RunResult:
        """Load records that a program brings: those that are new or changed; return the account.

        They go the way of a run's: in batches, bad records isolated, with rejects, retries and deadlines.
        They are looked up a page at a time, and memory does not grow with them. Loaded again, they are
        unchanged. A key met again in one call is a reject that names both records; the first is taken.

        Args:
            records: Models, dataclasses or mappings, each a record of its own; or documents, which are
                chunked as the settings say; or chunks: those of a document one after the other, all of them.
            record: What they are: a model, dataclass or TypedDict, or a `RecordType`. None for the class of
                the first; mappings need it.
            key: The field that names a record.
            text: The field that is searched, or None.
            heading: The field that says where the text stands, or None.
            collection: The collection to load into; empty for the settings', or else the type's name, and
                ``chunks`` for documents and chunks.
            prune: Whether to remove the documents that programs brought into the collection before, and this
                call does not; `prune_limit` applies.
            on_stored: Called with the ids of the records of every batch that is committed, by the thread that
                wrote it.
            stop: Request it to end the load soon; `stop` does the same.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            BatchwrightError: This processor is running already.
            TypeError: The records are one text, or one mapping.
            Exception: What `records` raises; what was committed before that stays.
        """
        from batchwright.engine.program.load import OwnLoad
        from batchwright.engine.program.record_type import type_of

        _check_several(records, "records")
        with located(self.config):
            record_type, records = type_of(records, record, key=key, text=text, heading=heading)
            config = self._config_for(record_type.name, collection)
        with self._working(config, on_stored=on_stored, stop=stop, source=PROGRAM) as work:
            work.result = OwnLoad(work.setup, record_type, prune=prune).run(records)
        return work.result

    async def aload(self, records: Iterable[Any], **options: Unpack[LoadOptions]) -> RunResult:
        """Do what `load` does, in a thread of its own, which iterates over `records`, and await it.

        Cancelling the task stops it as `arun` is stopped.

        Args:
            records: As for `load`, like the other arguments.
            **options: What `load` takes besides.
        """
        stop = options.get("stop") or Stop()
        options["stop"] = stop
        from batchwright.processor.awaiting import awaited  # asyncio takes 20 ms, and few need it

        return await awaited(lambda: self.load(records, **options), stop)

    def delete(
        self,
        keys: Iterable[object],
        collection: str = "",
        *,
        record: type | RecordType | None = None,
        purge: bool = False,
    ) -> int:
        """Remove the documents with these keys, whoever brought them; return how many there were.

        A document of the input directory comes back with the next run.

        Args:
            keys: Which.
            collection: Theirs; empty for the settings', or else the type's name, and ``chunks`` for chunks.
            record: What is stored there: a class or `RecordType`; None for chunks. Only its name matters, not
                which of its fields is the key, or the text.
            purge: Whether nothing of them is to be left: in the same transaction go the vectors that no row
                uses any more, which otherwise are kept for a while, and their rejects.

        Raises:
            ConfigError: The collection has a name that none can have, or the target holds other records.
            SinkError: The target can't be opened, or failed.
            TypeError: The keys are one text, or a mapping.
        """
        from batchwright.engine.program.record_type import name_of
        from batchwright.engine.program.records import OwnRecords

        _check_several(keys, "keys")
        type_name = name_of(record)
        with located(self.config):
            name = self._config_for(type_name, collection).collection or CHUNKS
            if type_name == CHUNK.name:
                return self._own_records.delete(map(str, keys), name, purge=purge)
            sink = self._holding(type_name)
            if sink is None:
                return 0
            own = OwnRecords(self._sessions(None, sink), name)
            try:
                return own.delete(map(str, keys), name, type_name, purge=purge)
            finally:
                own.close()

    def insert_chunks(self, chunks: Sequence[ProcessedChunk]) -> RunResult:
        """Store chunks that didn't come from the directory; return the account.

        They belong to the collection that the settings name, or else to ``chunks``. All go in one
        transaction, or in several if bad records have to be isolated.

        Chunks of a document (by `source_file` and `total_chunks`) become visible when all of them are
        stored, over as many calls, and by as many processes, as it takes. Storing a chunk again replaces it;
        with another `total_chunks` they are a new version, which takes the old one's place once it is whole.
        Chunks that the sink can't hold are set aside, among the rejects.

        Returns:
            The account of the call: records written, and records set aside. Documents are not counted, since
            other calls may bring the rest of one. Its run_id is that of the rejects.

        Raises:
            ValueError: A chunk doesn't say which document it belongs to, or how many chunks that has.
            SinkError: The target can't be opened.
            Exception: What the sink raises; give this to `process_batch_with_retry` to have it handled.
        """
        with located(self.config):
            return self._own_records.insert(chunks)

    def _insert_chunks(self, chunks: Sequence[ProcessedChunk]) -> int:
        """Do what `insert_chunks` does; return how many chunks are stored, as the report has it."""
        return self.insert_chunks(chunks).account.records.written

    def _config_for(self, type_name: str, collection: str) -> BatchConfig:
        """Return the settings with the collection that a program's records go into."""
        usual = CHUNKS if type_name == CHUNK.name else type_name
        name = program_collection(self.config, collection, usual)
        return self.config.model_copy(update={"collection": name})

    @cached_property
    def _own_records(self) -> OwnRecords:
        from batchwright.engine.program.records import OwnRecords

        own = OwnRecords(self._sessions(CHUNK), self.config.collection or CHUNKS)
        weakref.finalize(self, own.close)
        return own

    def _holding(self, type_name: str) -> AnySink | None:
        """Return the sink of the relation that holds records of a type; None where nothing was loaded."""
        self._manager.hide(secrets_of(self.config))
        sink = self._manager.make_sink(self.config.to, self.config.sink)
        relation = getattr(sink.options, "table", None) or type_name
        return next((one for one in sink.relations() if one.relation in (None, relation)), None)

    def _sessions(self, record_type: RecordType | None, sink: AnySink | None = None) -> Callable[[], Session]:
        """Return what makes sessions in which nothing is tried twice: a program does that itself."""
        # no `self`, which the finalizer would keep alive
        policy = replace(self._policy, retries=Schedule(max_retries=0), holds=False)
        setup = Setup(self.config, self._manager, policy)
        return lambda: Session(setup, record_type=record_type, sink=sink)

    def _close(self) -> None:
        """Close what stays open from one call to the next."""
        if "_own_records" in self.__dict__:
            self._own_records.close()


def _check_several(given: object, what: str) -> None:
    """Refuse what yields something else than it looks like: a text its letters, a mapping its names."""
    if isinstance(given, str | bytes | Mapping):
        raise TypeError(f"{what} is a {type(given).__name__}; give a list")
