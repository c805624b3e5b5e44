"""What went wrong in a run: the few lines at the top, and the sections that say more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from batchwright.plurals import counted

from batchwright_report.causes import Cause, Causes
from batchwright_report.markup import Column, details, number, section, table, wide
from batchwright_report.numbers import count, duration
from batchwright_report.story import DOCUMENTS, REJECTS, Story
from batchwright_report.text import code, html

_NAMED = 2
"""Causes of each kind that are named at the top."""

_SHOWN = 12
"""Causes of each kind that are listed further down."""

_OPEN = 20
"""Documents, or records, up to which a list of them is open at first."""


def at_a_glance(story: Story) -> str:
    """Return what went wrong, the worst first; nothing where nothing did."""
    lines = [*_failures(story), *_lost(story), *_rejects(story), *_refused(story)]
    lines += [*_outages(story), *_retries(story)]
    if not lines:
        return ""
    items = "".join(f'<li class="{tone}">{words}</li>' for tone, words in lines)
    return section("wrong", "What went wrong", f'<ul class="wrong">{items}</ul>')


def _failures(story: Story) -> Iterator[tuple[str, str]]:
    batches = "Batches that could not be stored"
    for cause in story.failures.worst()[:_NAMED]:
        cost = f" ({counted(cause.records, 'record')})" if cause.records else ""
        what = f"{counted(cause.count, 'batch', 'batches')} could not be stored{cost}"
        yield "bad", _line(what, cause)
    yield from _more(story.failures, batches, "failures")


def _lost(story: Story) -> Iterator[tuple[str, str]]:
    for cause in story.lost.worst()[:_NAMED]:
        yield "bad", _line(f"{counted(cause.count, 'document')} not loaded", cause)
    yield from _more(story.lost, "Documents that were not loaded", "lost")


def _rejects(story: Story) -> Iterator[tuple[str, str]]:
    for cause in story.rejects.worst()[:_NAMED]:
        yield "warn", _line(f"{counted(cause.count, 'record')} set aside", cause)
    yield from _more(story.rejects, "Records set aside", "rejects")
    earlier = story.figures["records", "rejected"] - story.rejects.count
    if earlier > 0 and not story.rejects.count:
        yield (
            "warn",
            f"<strong>{counted(earlier, 'record')} set aside by earlier runs</strong>, and still are",
        )


def _refused(story: Story) -> Iterator[tuple[str, str]]:
    """Yield nothing where each is a record that was set aside, such as a row: that has been said."""
    if story.refused.count != story.rejects.count:
        for cause in story.refused.worst()[:_NAMED]:
            yield "warn", _line(f"{counted(cause.count, 'document')} refused", cause)


def _outages(story: Story) -> Iterator[tuple[str, str]]:
    if story.outages_count:
        what = f"{counted(story.outages_count, 'outage')}, {duration(story.down_for)} in all"
        yield "warn", f"<strong>{what}</strong>: {html(story.outages[0].error)}"


def _retries(story: Story) -> Iterator[tuple[str, str]]:
    for cause in story.retries.worst()[:1]:
        what = f"{counted(story.retries.count, 'retry', 'retries')}"
        others = len(story.retries.worst()) - 1
        more = f", and {counted(others, 'other cause')}" if others else ""
        yield "warn", _line(what, cause) + more


def _line(what: str, cause: Cause) -> str:
    return f"<strong>{what}</strong>: {html(cause.said)}{_error(cause, ' (', ')')}"


def _error(cause: Cause, before: str = "", after: str = "") -> str:
    """Return what is known of the error itself, but for its message."""
    parts = [code(cause.error) if cause.error and cause.error != cause.said else ""]
    parts.append(f"SQLSTATE {code(cause.sqlstate)}" if cause.sqlstate else "")
    said = ", ".join(filter(None, parts))
    return f"{before}{said}{after}" if said else ""


def _more(causes: Causes, what: str, place: str) -> Iterator[tuple[str, str]]:
    others = len(causes.worst()) - _NAMED
    if others > 0:
        yield "more", f'{what}: <a href="#{place}">{counted(others, "more cause")}</a>'


# --- sections ---------------------------------------------------------------------------------------


def sections(story: Story) -> Iterator[str]:
    """Yield a section for each kind of trouble that there was."""
    yield section(
        "failures", "Batches that could not be stored", _causes(story.failures, "batches", records=True)
    )
    yield section(
        "lost",
        "Documents that were not loaded",
        _causes(story.lost, "documents"),
        _causes(story.refused, "documents refused"),
        _lost_ones(story),
    )
    yield section("rejects", "Records set aside", _causes(story.rejects, "records"), _rejected_ones(story))
    yield section("retries", "Retries", _causes(story.retries, "retries"))
    yield section("outages", "Outages", _outage_table(story))


def _causes(causes: Causes, noun: str, *, records: bool = False) -> str:
    worst = causes.worst()
    has_first = any(cause.first for cause in worst)
    columns = [wide("Cause"), number(noun.capitalize())]
    columns += [number("Records")] if records else []
    columns += [wide("Error")]
    columns += [wide("First in")] if has_first else []
    rows = []
    for cause in worst[:_SHOWN]:
        cells = [html(cause.said), count(cause.count)]
        cells += [count(cause.records)] if records else []
        by = f"classified by {html(cause.decided_by)}" if cause.decided_by else ""
        cells += ["; ".join(filter(None, [_error(cause), by]))]
        cells += [code(cause.first)] if has_first else []
        rows.append(cells)
    hidden = sum(cause.count for cause in worst[_SHOWN:])
    rest = f"<p>And {count(hidden)} of {counted(len(worst) - _SHOWN, 'other cause')}.</p>" if hidden else ""
    return table(f"{noun.capitalize()} by cause", columns, rows) + rest


def _lost_ones(story: Story) -> str:
    columns = [wide("Document"), Column("State"), wide("Reason")]
    rows = [(code(one.key), one.state, html(one.reason)) for one in story.first_lost]
    return details(
        _first(len(rows), story.lost.count + story.refused.count, DOCUMENTS, "document"),
        table("Documents", columns, rows, hidden=True),
        is_open=len(rows) <= _OPEN,
    )


def _rejected_ones(story: Story) -> str:
    columns = [wide("Document"), number("Record"), wide("Error"), Column("SQLSTATE"), Column("Classified by")]
    rows = [
        (
            code(one.key),
            "–" if one.position is None else count(one.position),
            f"{html(one.said or one.error)}" + (f"<br>{code(one.error)}" if one.said else ""),
            code(one.sqlstate),
            html(one.decided_by),
        )
        for one in story.first_rejects
    ]
    told = _first(len(rows), story.rejects.count, REJECTS, "record")
    return details(
        told,
        table("Records set aside, each with its place", columns, rows, hidden=True),
        is_open=len(rows) <= _OPEN,
    )


def _outage_table(story: Story) -> str:
    columns = [Column("Began after"), number("Lasted"), wide("Error")]
    rows: Iterable[tuple[str, str, str]] = [
        (
            duration(outage.began),
            "until the end" if outage.ended is None else duration(outage.ended - outage.began),
            html(outage.error),
        )
        for outage in story.outages
    ]
    more = story.outages_count - len(story.outages)
    return table("Outages", columns, rows, hidden=True) + (f"<p>And {more:,} more.</p>" if more > 0 else "")


def _first(shown: int, of: int, most: int, noun: str) -> str:
    return (
        f"The first {most} of {counted(of, noun)}"
        if of > shown
        else f"All {counted(of, noun)}"
        if of != 1
        else f"The {noun}"
    )
