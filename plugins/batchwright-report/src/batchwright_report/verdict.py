"""How a run ended, in a few words: what a stranger reads first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from batchwright.contracts.events import RunFinished, RunNotStarted
from batchwright.plurals import counted

from batchwright_report.story import Story

Tone = Literal["good", "warn", "bad", "wait"]

_AGAIN = "When the cause is removed, run the same command again: it goes on where this run ended."
_USAGE, _REJECTS, _BUSY = 2, 3, 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended.

    Attributes:
        title: In a word or two.
        tone: How good that is.
        reason: Why, as it was said; may be empty.
        advice: What to do now; may be empty.
    """

    title: str
    tone: Tone
    reason: str = ""
    advice: str = ""


def verdict(story: Story) -> Verdict:
    """Return how a run ended, or that it goes on."""
    end = story.finished
    if end is None:
        return Verdict(
            "Not finished",
            "wait",
            "",
            "This is how far the run was when the page was written. A run that goes on writes it again. If "
            "no process runs it any more, it was killed: the same command goes on where it was.",
        )
    if isinstance(end, RunNotStarted):
        return _not_started(end)
    if end.state == "failed":
        return Verdict("Failed", "bad", end.reason, _AGAIN if end.exit_code != _USAGE else "")
    if end.state == "interrupted":
        again = "Run the same command again: it goes on where this run ended."
        return Verdict("Interrupted", "warn", end.reason, again)
    return _done(end)


def _not_started(end: RunNotStarted) -> Verdict:
    title = "Not started: another run has the collection" if end.exit_code == _BUSY else "Not started"
    tone: Tone = "warn" if end.exit_code == _BUSY or end.exit_code > 128 else "bad"
    return Verdict(title, tone, end.reason or end.error_type, "Nothing was begun, and nothing changed.")


def _done(end: RunFinished) -> Verdict:
    if end.exit_code == _USAGE:
        return Verdict("Nothing to load", "warn", end.reason, "No documents were found in the source.")
    if end.exit_code != _REJECTS:
        return Verdict("Done", "good", end.reason)
    account = end.account
    refused = account.documents.refused
    if refused == account.records.rejected:
        refused = 0  # each is a record, such as a row: that is said already
    parts = [
        (account.records.rejected, counted(account.records.rejected, "record") + " set aside"),
        (account.records.failed, counted(account.records.failed, "record") + " not stored"),
        (account.documents.failed, counted(account.documents.failed, "document") + " not loaded"),
        (refused, counted(account.documents.refused, "document") + " refused"),
    ]
    said = ", ".join(words for number, words in parts if number)
    advice = "<code>batchwright rejects list</code> shows them." if account.records.rejected else ""
    return Verdict(f"Done, but {said or 'not all of it'}", "warn", end.reason, advice)
