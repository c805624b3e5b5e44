"""Sinks that go wrong from run to run: a plugin, which `batchwright run` loads from this file."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from batchwright import Batch, ProcessedChunk, Receipt, hookimpl
from batchwright.builtin.sqlite import SqliteSink


class ForgetsDocuments(SqliteSink):
    name = "forgetful"
    schemes = ("forgetful",)

    @property
    def ledger(self) -> Any:
        ledger: Any = super().ledger
        ledger.document = lambda source_file: None
        ledger.documents = lambda after="", limit=0: []
        return ledger


class StampsItsProcess(SqliteSink):
    name = "stamping"
    schemes = ("stamping",)

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        rows = [replace(chunk, source_category=str(os.getpid())) for chunk in batch.documents]
        super().write(replace(batch, documents=rows), receipt)


RUNS = {
    "what_is_loaded_is_not_loaded_again": ForgetsDocuments,
    "killed_again_and_again_it_ends_as_undisturbed": StampsItsProcess,
}


@hookimpl
def register_sinks() -> list[type[SqliteSink]]:
    return list(RUNS.values())
