"""One call of a program's `load`: the same line as a run, without a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice, takewhile
from typing import Any

from batchwright.contracts import exits
from batchwright.contracts.events import DocumentsRemoved, EndState, RunStarted
from batchwright.contracts.receipts import PROGRAM, Collection
from batchwright.contracts.records import RecordType
from batchwright.engine.ending import finished
from batchwright.engine.heartbeat import holding
from batchwright.engine.pipeline import Pipeline
from batchwright.engine.program.changes import own_changes
from batchwright.engine.program.documents import OwnDocuments
from batchwright.engine.program.seen_keys import SeenKeys
from batchwright.engine.reading.changes import Change, too_many
from batchwright.engine.reading.counts import Counts
from batchwright.engine.reading.published import begun_by_programs, published, refused_versions
from batchwright.engine.reject_limit import RejectLimit
from batchwright.engine.removing import at_once, forget_unreadable, remove
from batchwright.engine.result import RunResult
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.engine.store.breaker import OutageTooLong
from batchwright.errors import CollectionBusy, EmbedderError, RunInterrupted


class OwnLoad:
    """Loads what a program brings. Make it, call `run` once.

    It begins no run in the ledger: what it did is in its result and its events.

    Args:
        setup: Settings, plugins, where events go, and what ends it early.
        record_type: What is stored.
        prune: Whether to remove what programs brought before and this one did not.
    """

    def __init__(self, setup: Setup, record_type: RecordType, *, prune: bool) -> None:
        self._config = setup.config
        self._manager = setup.manager
        self._dispatcher = setup.dispatcher
        self._stop = setup.stop
        self._record_type = record_type
        self._prune = prune
        limit = RejectLimit(self._config.max_rejects, self._dispatcher.tally.expected)
        self._session = Session(setup, record_type=record_type, limit=limit)

    def run(self, records: Iterable[Any]) -> RunResult:
        """Load what is new or changed.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            CollectionBusy: A run has the collection; nothing was begun.
            RunInterrupted: It was stopped while it waited for that run.
            Exception: What `records` raises; what was committed before that stays.
        """
        session, emit = self._session, self._dispatcher.emit
        if session.embedding is not None:
            session.embedding.check(self._record_type, self._config)
        with session.open(), closing(SeenKeys()) as seen, self._having_the_collection():
            emit(
                RunStarted(
                    session.run_id,
                    PROGRAM,
                    session.target,
                    session.collection,
                    record_type=self._record_type.name,
                )
            )
            if session.embedding is not None:
                emit(session.embedding.started())
            try:
                begun = begun_by_programs(session.control, session.collection)
                pipeline = Pipeline(session)
                brought = OwnDocuments(self._config, self._manager, self._record_type, session.collection).of(
                    records
                )
                found = own_changes(
                    # they may come slowly, and a page of them is waited for
                    takewhile(lambda _: not self._stop.event.is_set(), brought),
                    session.control,
                    session.collection,
                    seen,
                    pipeline.note_outdated,
                    each="unchanged" in self._dispatcher.each_document,
                )
                # what was inserted, and not loaded, has no hash: others may still bring the rest
                pipeline.load(found, [version for version in begun if version.content_hash])
                state, reason = self._conclude(seen, pipeline.outdated)
            except BaseException as error:
                self._end("failed", session.describe(error), exits.of_error(error))
                raise
            return self._end(state, reason)

    @contextmanager
    def _having_the_collection(self) -> Iterator[None]:
        """Hold the lease where other documents may go; else see that no run has it."""
        session, own = self._session, Collection(self._session.collection)
        session.control.ask(lambda ledger: ledger.enter_collection(own), patiently=False)
        if self._prune:
            with holding(session, [own.name], self._config.wait):
                yield
        else:
            session.control.free(own.name, self._config.wait)
            yield

    def _conclude(self, seen: SeenKeys, outdated: Sequence[str]) -> tuple[EndState, str]:
        """Remove what has to go after loading; return how it ended, and why."""
        if self._stop.event.is_set():
            return ("failed" if self._stop.failed else "interrupted"), self._stop.reason
        try:
            refused = self._remove_gone(seen) if self._prune else ""
            failed = self._dispatcher.tally.account().batches_failed
            with suppress(CollectionBusy):  # a run has it by now: the next load forgets what is over
                self._forget(outdated)
                if not failed:
                    forget_unreadable(self._session, self._session.collection, seen.__contains__)
        except (OutageTooLong, RunInterrupted) as error:
            self._stop.request(str(error))
            return "interrupted", self._stop.reason
        if refused:
            return "failed", refused
        if failed:
            return "failed", "batches could not be stored; load the same again to store what they held"
        return self._complete_vectors()

    def _complete_vectors(self) -> tuple[EndState, str]:
        """Give rows that were stored without vectors theirs; return how it ended, and why."""
        if self._session.embedding is None:
            return "done", ""
        from batchwright.engine.embedding.fill import complete  # most loads need none

        try:
            with suppress(CollectionBusy):
                complete(self._session)
        except (OutageTooLong, RunInterrupted) as error:
            self._stop.request(str(error))
            return "interrupted", self._stop.reason
        except EmbedderError as error:
            return "failed", self._session.describe(error)
        return "done", ""

    def _remove_gone(self, seen: SeenKeys) -> str:
        """Remove the documents of programs that this one did not bring; return why not, or nothing."""
        if seen.nameless:
            return f"refusing to prune: {seen.nameless} of the records have no key; give each one"
        counts, programs, gone = Counts(self._dispatcher), 0, 0
        for known in published(self._session.control, self._session.collection):
            version = known.version
            if version.brought_by != "program":
                continue
            programs += 1
            if version.key not in seen:
                gone += 1
                seen.note_gone(version.key, version.document_id)
                change = Change(version.key, "deleted", version, known, is_found=False)
                counts.read(change, 0)
                counts.finished(change, version.records, version.size, known.rejected)
        counts.emit()
        if refused := too_many(self._config, gone, programs, "did the program bring all its records?"):
            return refused
        for page in seen.gone(at_once(self._session)):
            remove(self._session, self._session.collection, deleted=tuple(page), purge=self._config.purge)
            self._dispatcher.emit(DocumentsRemoved(len(page)))
        self._forget_refused(seen)
        return ""

    def _forget(self, outdated: Sequence[str]) -> None:
        """Forget versions that were refused, and are not what was brought now."""
        most = at_once(self._session)
        for start in range(0, len(outdated), most):
            page = tuple(outdated[start : start + most])
            remove(self._session, self._session.collection, discarded=page)

    def _forget_refused(self, seen: SeenKeys) -> None:
        """Forget the versions of programs' documents that were refused, and that this one did not bring."""
        versions = refused_versions(self._session.control, self._session.collection)
        gone = (v.document_id for v in versions if v.brought_by == "program" and v.key not in seen)
        while page := tuple(islice(gone, at_once(self._session))):
            remove(self._session, self._session.collection, discarded=page)

    def _end(self, state: EndState, reason: str, exit_code: int | None = None) -> RunResult:
        account = self._dispatcher.tally.account()
        if state == "done":
            account.check()
        code = exits.of_end(state, account, self._stop.exit_code) if exit_code is None else exit_code
        return finished(self._dispatcher, RunResult(self._session.run_id, state, account, reason, code))
