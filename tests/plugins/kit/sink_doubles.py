"""Sinks that break one promise each, and the check that must notice."""

from __future__ import annotations

import itertools
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from batchwright import (
    BadRecords,
    Batch,
    BatchTooLarge,
    KnownDocument,
    ProcessedChunk,
    Receipt,
    Reject,
    Run,
    Sink,
    SinkError,
    SinkLimits,
    SinkOptions,
)
from batchwright.sink import Holding
from batchwright.testing.records import sample
from tests.plugins.kit.reference import DATABASES, Database, ReferenceSink
from tests.support.memory import MemoryLedger, Tables
from tests.support.memory import record as record_in

_numbers = itertools.count()
_kept: list[Any] = []


class Broken(Exception):
    """A double breaks its promise by raising."""


# --- atomicity ------------------------------------------------------------------------------------


class CommitsEarly(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_in(self.opened().tables, replace(receipt, batch_id=f"early {next(_numbers)}"))
        super().write(batch, receipt)


class ForgetsToMend(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_in(self.opened().tables, receipt)
        super().write(batch, receipt)


class CleansUpAfterExceptionsOnly(CommitsEarly):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        before = self.opened().tables.copy()
        try:
            super().write(batch, receipt)
        except Exception:
            self.opened().tables = before
            raise


class SwallowsErrors(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        with suppress(Exception):
            super().write(batch, receipt)


class RecordsReceiptsApart(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_in(self.opened().tables, replace(receipt, publications=()))
        super().write(batch, receipt)


class StaysBroken(ReferenceSink):
    broken = False

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if self.broken:
            raise Broken("the transaction is aborted, commands are ignored")
        try:
            super().write(batch, receipt)
        except BaseException:
            self.broken = True
            raise


class CommitsBetweenSteps(ReferenceSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        super().store(draft, rows)
        for row in rows:
            draft.documents["early"] = KnownDocument(replace(_version(row), source_file="early"), 0, "now")
        self.opened().tables = draft.copy()


class RemovesBeforeItStores(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        before = self.opened().tables
        draft = before.copy()
        self.drop(draft, receipt.obsolete)
        self.opened().tables = draft
        try:
            super().write(batch, receipt)
        except BaseException:
            self.opened().tables = before
            raise


class AppendsRows(ReferenceSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        draft.rows.update({f"{row.id} {next(_numbers)}": row for row in rows})


class StoresTwice(AppendsRows):
    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        return False


class RemembersInTheInstance(AppendsRows):
    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        seen = vars(self).setdefault("seen", set())
        known = receipt.batch_id in seen
        seen.add(receipt.batch_id)
        return known


class InsertsOrIgnores(ReferenceSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        for row in rows:
            draft.rows.setdefault(row.id, row)


class Buffers(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        vars(self).setdefault("waiting", []).append((batch, receipt))

    def close(self) -> None:
        for batch, receipt in vars(self).pop("waiting", []):
            super().write(batch, receipt)
        super().close()


class TruncatesOnOpen(ReferenceSink):
    def open(self) -> None:
        super().open()
        self.opened().tables = Tables()


class MutatesBatches(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        super().write(batch, receipt)
        if isinstance(batch.documents, list):
            batch.documents.clear()


# --- publication ----------------------------------------------------------------------------------


class PublishesHalves(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, receipt)
        for version in receipt.opened:
            draft.documents[version.source_file] = KnownDocument(version, 0, "now")


class RemovesTheOldTooEarly(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, receipt)
        for version in receipt.opened:
            if known := draft.documents.get(version.source_file):
                self.drop(draft, [known.version.document_id])


class KeepsSuperseded(ReferenceSink):
    def remove(self, draft: Tables, receipt: Receipt) -> None:
        self.drop(draft, [*(version for _, version in receipt.deleted), *receipt.discarded])


class RemovesByPrefix(ReferenceSink):
    def drop(self, draft: Tables, versions: Sequence[str]) -> None:
        names = {row.source_file for row in draft.rows.values() if row.document_id in versions}
        super().drop(draft, versions)
        others = [row for row in draft.rows.values() if row.document_id not in versions]
        gone = [row.document_id for row in others for name in names if row.source_file.startswith(f"{name}.")]
        super().drop(draft, gone)


class NeverCounts(ReferenceSink):
    def count(self, draft: Tables, receipt: Receipt) -> None:
        pass


class CountsRejectsAsMissing(ReferenceSink):
    def count(self, draft: Tables, receipt: Receipt) -> None:
        whole = tuple(replace(publication, rejected=0) for publication in receipt.publications)
        super().count(draft, replace(receipt, publications=whole))


class ReplacesDocuments(ReferenceSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        published = {known.version.document_id for known in draft.documents.values()}
        self.drop(draft, [row.document_id for row in rows if row.document_id in published])
        super().store(draft, rows)

    def count(self, draft: Tables, receipt: Receipt) -> None:
        pass


class IgnoresDeletions(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        super().write(batch, replace(receipt, deleted=()))


class KeepsDiscarded(ReferenceSink):
    def remove(self, draft: Tables, receipt: Receipt) -> None:
        super().remove(draft, replace(receipt, discarded=()))


class PublishesOne(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, replace(receipt, publications=receipt.publications[:1]))


class SkipsEmptyBatches(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents:
            super().write(batch, receipt)


# --- contents -------------------------------------------------------------------------------------


class Normalises(ReferenceSink):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        return replace(super().row(chunk), chunk_text=unicodedata.normalize("NFC", chunk.chunk_text))


class FoldsNames(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        for publication in receipt.publications:
            folded = publication.version.source_file.casefold()
            for name in [name for name in draft.documents if name.casefold() == folded]:
                self.drop(draft, [draft.documents.pop(name).version.document_id])
        super().record(draft, receipt)


class MakesNoneEmpty(ReferenceSink):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        return replace(super().row(chunk), source_category=chunk.source_category or "")


class DropsEmptyTexts(ReferenceSink):
    def rows(self, chunks: Sequence[ProcessedChunk]) -> list[ProcessedChunk]:
        return [row for row in super().rows(chunks) if row.chunk_text]


class Truncates(ReferenceSink):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        return replace(super().row(chunk), chunk_text=chunk.chunk_text[:65_535])


class DropsNul(ReferenceSink):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        return replace(super().row(chunk), chunk_text=chunk.chunk_text.replace("\0", ""))


class ReplacesSurrogates(ReferenceSink):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        text = chunk.chunk_text.encode("utf-8", "replace").decode()
        return super().row(replace(chunk, chunk_text=text))


class TakesFewerRows(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if len(batch.documents) > 1_000:
            raise BatchTooLarge("more than 1,000 rows")
        super().write(batch, receipt)


class TakesFewerBytes(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if sum(len(chunk.chunk_text) for chunk in batch.documents) > 1_000_000:
            raise BatchTooLarge("more than 1 MB")
        super().write(batch, receipt)


# --- refusals -------------------------------------------------------------------------------------


class NamesPositionsInBlocks(ReferenceSink):
    def refused(self, bad: dict[int, str], size: int) -> BadRecords:
        return BadRecords({position % 64: reason for position, reason in bad.items()})


class GivesNoReason(ReferenceSink):
    def refused(self, bad: dict[int, str], size: int) -> BadRecords:
        return BadRecords(dict.fromkeys(bad, " "))


class NamesTheFirstOnly(ReferenceSink):
    def refused(self, bad: dict[int, str], size: int) -> BadRecords:
        return BadRecords({min(bad): bad[min(bad)]})


class NamesAll(ReferenceSink):
    def refused(self, bad: dict[int, str], size: int) -> BadRecords:
        return BadRecords(dict.fromkeys(range(size), "one of these is bad"))


class StoresTheGood(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        try:
            super().write(batch, receipt)
        except BadRecords as error:
            good = [chunk for number, chunk in enumerate(batch.documents) if number not in error.reasons]
            super().write(Batch(good, 0), receipt)
            raise


# --- receipts and rejects -------------------------------------------------------------------------


class _ForgetfulLedger(MemoryLedger):
    def committed(self, batch_id: str) -> bool:
        return False


class ForgetsReceipts(ReferenceSink):
    ledger_type = _ForgetfulLedger


class ReplaysReceipts(ReferenceSink):
    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        draft.receipts.pop(receipt.batch_id, None)
        return False


class RecordsEmptyReceipts(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, receipt)
        draft.receipts[receipt.batch_id] = receipt


class _CollatingLedger(MemoryLedger):
    def documents(self, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        known = sorted(super().documents("", 10**6), key=lambda one: one.version.source_file.casefold())
        return [one for one in known if one.version.source_file.casefold() > after.casefold()][:limit]


class SortsByCollation(ReferenceSink):
    ledger_type = _CollatingLedger


class ForgetsRejected(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        publications = tuple(replace(publication, rejected=0) for publication in receipt.publications)
        super().record(draft, replace(receipt, publications=publications))


class StaysPending(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        pending = dict(draft.pending)
        super().record(draft, receipt)
        draft.pending = {**pending, **draft.pending}


class KeepsEntriesOfTheDeleted(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, replace(receipt, deleted=()))


class _UnaccountableLedger(MemoryLedger):
    def finish_run(self, run: Run) -> None:
        super().finish_run(replace(run, account={}))


class LosesAccounts(ReferenceSink):
    ledger_type = _UnaccountableLedger


class LosesPayloads(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        rejects = tuple(replace(one, payload=None) for one in receipt.rejects)
        super().record(draft, replace(receipt, rejects=rejects))


class PilesRejectsUp(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, replace(receipt, rejects=()))
        draft.rejects.update({f"{one.id} {next(_numbers)}": one for one in receipt.rejects})


class _UnfilteredLedger(MemoryLedger):
    def rejects(self, **query: Any) -> list[Reject]:
        return super().rejects(**{**query, "error": None})


class IgnoresFilters(ReferenceSink):
    ledger_type = _UnfilteredLedger


class _OffByOneLedger(MemoryLedger):
    def rejects(self, *, after: str = "", limit: int = 1000, **query: Any) -> list[Reject]:
        return [one for one in super().rejects(limit=10**6, **query) if one.id >= after][:limit]


class PagesOffByOne(ReferenceSink):
    ledger_type = _OffByOneLedger


class _MiscountingLedger(MemoryLedger):
    def drop_rejects(self, ids: Sequence[str]) -> int:
        super().drop_rejects(ids)
        return len(ids)


class Miscounts(ReferenceSink):
    ledger_type = _MiscountingLedger


class IgnoresResolved(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, replace(receipt, resolved=()))


class KeepsStaleRejects(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        rejects = dict(draft.rejects)
        super().record(draft, receipt)
        draft.rejects = {**rejects, **draft.rejects}


# --- interruption ---------------------------------------------------------------------------------


class CancelsNothing(ReferenceSink):
    def cancel(self) -> None:
        pass


class StaysCancelled(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if self._cancelled is not None and self._cancelled.is_set():
            raise Broken("the sink was cancelled")
        super().write(batch, receipt)


class CancelsWithTheLock(ReferenceSink):
    lock = threading.Lock()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        with self.lock:
            super().write(batch, receipt)

    def cancel(self) -> None:
        with self.lock:
            super().cancel()


class LosesUpdates(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        database, copy = self.opened(), Database()
        copy.tables = database.tables.copy()
        self._database = copy
        super().write(batch, receipt)
        self._database = database
        time.sleep(0.01)
        database.tables = copy.tables


class LooksThenStores(AppendsRows):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.known = receipt.batch_id in self.opened().tables.receipts
        time.sleep(0.05)
        super().write(batch, receipt)

    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        return self.known


# --- lifecycle, secrecy, inventory ----------------------------------------------------------------


class NamesSchemesInOneText(ReferenceSink):
    schemes = "reference"  # type: ignore[assignment]  # the mistake


class HasNoRoom(ReferenceSink):
    limits = SinkLimits(rows=0)


class _TolerantOptions(SinkOptions):
    model_config = ConfigDict(extra="ignore", frozen=False, hide_input_in_errors=False)


class IgnoresOptions(ReferenceSink):
    options_type = _TolerantOptions


class ChangesOptions(ReferenceSink):
    options_type = _TolerantOptions


class TellsOptions(ReferenceSink):
    options_type = _TolerantOptions


class ConnectsAtOnce(ReferenceSink):
    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        _kept.append(Path("/dev/null").open())  # noqa: SIM115


class CanNotTravel(ReferenceSink):
    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        self.lock = threading.Lock()


class WritesWhenClosed(ReferenceSink):
    def opened(self) -> Database:
        self._cancelled = threading.Event()
        return self.there


class ClosesOnce(ReferenceSink):
    def close(self) -> None:
        if self._database is None:
            raise Broken("closed already")
        super().close()


class KeepsFilesOpen(ReferenceSink):
    def open(self) -> None:
        super().open()
        _kept.append(Path("/dev/null").open())  # noqa: SIM115


class LeaksAfterFailures(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        try:
            super().write(batch, receipt)
        except BaseException:
            _kept.append(Path("/dev/null").open())  # noqa: SIM115
            raise


class FailsItsProbe(ReferenceSink):
    def probe(self) -> None:
        raise Broken("not implemented")


class ProbesWithARow(ReferenceSink):
    def probe(self) -> None:
        one = sample("probe")
        self.write(Batch(one.chunks, 0), Receipt("probe", "probe", publications=(one.publication(),)))


class NeverExists(ReferenceSink):
    def exists(self) -> bool:
        return False


class CreatesWhenAsked(ReferenceSink):
    def exists(self) -> bool:
        created, self.there.created = self.there.created, True
        return created


class WantsToBeAlone(ReferenceSink):
    def open(self) -> None:
        super().open()
        self.opened().open_sinks += 1
        if self.opened().open_sinks > 1:
            raise Broken("the target is locked")

    def close(self) -> None:
        if self._database is not None:
            self._database.open_sinks -= 1
        super().close()


class ShowsItsUrl(ReferenceSink):
    def __repr__(self) -> str:
        return f"<sink {self.url}>"


class TellsItsUrl(ReferenceSink):
    def open(self) -> None:
        if self.url not in DATABASES:
            raise SinkError(f"can't open {self.url}")
        super().open()


class HoldsThePublishedOnly(ReferenceSink):
    def holdings(self) -> Iterator[Holding]:
        published = {known.version.document_id for known in self.opened().tables.documents.values()}
        return (holding for holding in super().holdings() if holding.document_id in published)


class SeesNoDamage(ReferenceSink):
    def holdings(self) -> Iterator[Holding]:
        return (replace(holding, damaged=0) for holding in super().holdings())


class CallsAllSound(ReferenceSink):
    def sound(self, document_id: str) -> frozenset[str]:
        rows = self.opened().tables.rows.values()
        return frozenset(row.id for row in rows if row.document_id == document_id)


class Minimal(ReferenceSink):
    """Keeps the contract with as little as it asks for."""

    probe = Sink.probe
    cancel = Sink.cancel
    exists = Sink.exists
    holdings = Sink.holdings
    sound = Sink.sound

    @property
    def ledger(self) -> None:
        return None

    def refused(self, bad: dict[int, str], size: int) -> Any:
        return ValueError("some records are bad")


def _version(row: ProcessedChunk) -> Any:
    return replace(sample(row.source_file).version, document_id=row.document_id)


SINKS: dict[str, type[ReferenceSink]] = {
    "a_failure_at_any_step_stores_nothing": CommitsEarly,
    "an_interrupt_at_any_step_stores_nothing": CleansUpAfterExceptionsOnly,
    "a_failure_is_raised": SwallowsErrors,
    "a_failed_batch_leaves_no_receipt_and_no_reject": RecordsReceiptsApart,
    "the_sink_is_usable_after_a_failure": StaysBroken,
    "a_failing_step_of_the_sink_stores_all_or_nothing": CommitsBetweenSteps,
    "readers_never_see_half_of_a_batch": RemovesBeforeItStores,
    "writing_a_batch_twice_stores_it_once": StoresTwice,
    "a_batch_written_again_by_another_sink_is_stored_once": RemembersInTheInstance,
    "rows_written_again_under_another_receipt_are_stored_once": AppendsRows,
    "a_row_written_again_takes_the_new_values": InsertsOrIgnores,
    "a_batch_is_there_as_soon_as_write_returns": Buffers,
    "reopening_finds_everything": TruncatesOnOpen,
    "writing_changes_neither_batch_nor_records": MutatesBatches,
    "a_document_appears_whole_with_its_last_batch": PublishesHalves,
    "the_old_version_stays_until_the_new_one_is_whole": RemovesTheOldTooEarly,
    "superseded_rows_are_gone": KeepsSuperseded,
    "other_documents_are_left_alone": RemovesByPrefix,
    "a_document_that_lacks_rows_is_refused": NeverCounts,
    "rejected_records_are_not_missed": CountsRejectsAsMissing,
    "a_replayed_record_joins_its_document": ReplacesDocuments,
    "a_deleted_document_is_gone": IgnoresDeletions,
    "a_discarded_version_is_gone": KeepsDiscarded,
    "many_documents_share_a_batch": PublishesOne,
    "an_empty_batch_can_publish": SkipsEmptyBatches,
    "texts_of_every_plane_come_back_exactly": Normalises,
    "names_that_nearly_agree_stay_apart": FoldsNames,
    "every_field_comes_back": MakesNoneEmpty,
    "an_empty_text_is_a_text": DropsEmptyTexts,
    "a_text_of_a_megabyte_comes_back": Truncates,
    "nul_is_stored_truly_or_refused": DropsNul,
    "an_odd_record_is_stored_truly_or_refused": ReplacesSurrogates,
    "a_batch_at_the_limit_of_rows_is_stored": TakesFewerRows,
    "a_batch_at_the_limit_of_bytes_is_stored": TakesFewerBytes,
    "bad_records_are_named_by_their_position": NamesPositionsInBlocks,
    "each_bad_record_has_a_reason": GivesNoReason,
    "what_is_not_named_can_be_stored": NamesTheFirstOnly,
    "only_bad_records_are_named": NamesAll,
    "a_refused_batch_stores_nothing": StoresTheGood,
    "a_receipt_is_committed_with_its_batch": ForgetsReceipts,
    "a_receipt_without_rows_is_kept": SkipsEmptyBatches,
    "a_receipt_recorded_again_changes_nothing": ReplaysReceipts,
    "an_empty_batch_with_an_empty_receipt_stores_nothing": RecordsEmptyReceipts,
    "published_documents_are_listed_page_by_page": SortsByCollation,
    "a_known_document_comes_back_as_it_was": ForgetsRejected,
    "versions_are_pending_until_they_are_published": StaysPending,
    "a_deleted_document_is_known_no_more": KeepsEntriesOfTheDeleted,
    "runs_are_kept_newest_first": LosesAccounts,
    "a_reject_comes_back_as_it_was": LosesPayloads,
    "a_record_rejected_again_is_one_reject": PilesRejectsUp,
    "rejects_are_found_by_what_is_asked": IgnoresFilters,
    "rejects_are_listed_page_by_page": PagesOffByOne,
    "dropped_rejects_are_gone_and_counted": Miscounts,
    "a_replayed_reject_is_gone_with_its_batch": IgnoresResolved,
    "a_new_version_drops_the_rejects_of_the_old": KeepsStaleRejects,
    "cancel_ends_a_write_that_hangs": CancelsNothing,
    "the_sink_is_usable_after_a_cancelled_write": StaysCancelled,
    "cancel_returns_at_once": CancelsWithTheLock,
    "cancel_of_an_idle_sink_does_no_harm": StaysCancelled,
    "as_many_writers_as_declared_lose_nothing": LosesUpdates,
    "writers_of_the_same_batch_store_it_once": LooksThenStores,
    "the_sink_says_what_it_is": NamesSchemesInOneText,
    "the_limits_make_sense": HasNoRoom,
    "an_unknown_option_is_refused": IgnoresOptions,
    "options_keep_the_url_secret_and_do_not_change": ChangesOptions,
    "making_a_sink_connects_to_nothing": ConnectsAtOnce,
    "an_unopened_sink_travels_by_pickle": CanNotTravel,
    "a_closed_sink_refuses_to_write": WritesWhenClosed,
    "closing_twice_does_no_harm": ClosesOnce,
    "closing_after_open_failed_does_no_harm": ClosesOnce,
    "closing_lets_go_of_everything": KeepsFilesOpen,
    "a_failed_write_leaks_nothing": LeaksAfterFailures,
    "a_healthy_sink_passes_its_probe": FailsItsProbe,
    "a_probe_stores_nothing": ProbesWithARow,
    "a_target_that_was_loaded_exists": NeverExists,
    "asking_whether_a_target_exists_creates_nothing": CreatesWhenAsked,
    "two_sinks_may_be_open_on_one_target": WantsToBeAlone,
    "the_repr_shows_no_secret": ShowsItsUrl,
    "an_error_of_open_shows_no_secret": TellsItsUrl,
    "an_error_of_the_options_shows_no_secret": TellsOptions,
    "holdings_count_every_version": HoldsThePublishedOnly,
    "damaged_rows_are_counted": SeesNoDamage,
    "only_sound_rows_are_called_sound": CallsAllSound,
}
"""The double that each check must catch."""
