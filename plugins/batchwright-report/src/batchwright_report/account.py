"""The account of a run: what became of every document and record, what was left out, and the key figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from batchwright.contracts.events import RunFinished
from batchwright.contracts.figures import FIGURES
from batchwright.plurals import counted, size

from batchwright_report.markup import number, section, table, wide
from batchwright_report.numbers import count, duration, share
from batchwright_report.story import Story
from batchwright_report.text import code, html

_TONES = {
    "written": "good",
    "added": "good",
    "changed": "good2",
    "unchanged": "calm",
    "deleted": "calm2",
    "rejected": "warn",
    "refused": "warn",
    "failed": "bad",
    "not_attempted": "wait",
}
_MEANS = {
    "written": "stored by this run",
    "unchanged": "stored before, as they are",
    "rejected": "set aside, each with its reason",
    "failed": "in a batch that could not be stored, or unreadable",
    "not_attempted": "the run ended before their turn",
    "added": "published for the first time",
    "changed": "published in place of an older version",
    "refused": "none of their records can be stored",
    "deleted": "gone from the source",
}
_LEFT_OUT = 60
"""Reasons that are listed, at most."""


def _tone_of(kind: str) -> str:
    return _TONES.get(kind, "wait")  # of a state that a later version has


def seconds(story: Story) -> float:
    """Return how long the run took, or has taken."""
    end = story.finished
    return (isinstance(end, RunFinished) and end.account.seconds) or story.seconds


def key_figures(story: Story) -> str:
    """Return the figures that are looked at first."""
    figures, took = story.figures, seconds(story)
    written = figures["records", "written"]
    lost = figures["records", "failed"] + figures["records", "not_attempted"]
    published = figures["documents", "added"] + figures["documents", "changed"]
    shown = [
        ("Time", duration(took), ""),
        ("Records written", count(written), ""),
        ("Records a second", count(written / took) if took and written else "–", ""),
        ("Documents published", count(published), ""),
        ("Records set aside", count(figures["records", "rejected"]), "warn"),
        ("Records not stored", count(lost), "bad"),
    ]
    items = "".join(
        f"<div><dt>{name}</dt><dd{_tone(tone, said)}>{said}</dd></div>" for name, said, tone in shown
    )
    return f'<dl class="key">{items}</dl>'


def _tone(tone: str, said: str) -> str:
    return f' class="{tone}"' if tone and said != "0" else ""


def account(story: Story) -> str:
    """Return the account."""
    figures = story.figures
    parts = []
    for noun in ("documents", "records"):
        counts = {kind: figures[noun, kind] for kind in FIGURES[noun]}
        parts.append(f"<div><h3>{noun.capitalize()}</h3>{_bar(counts)}{_counts(noun, counts)}</div>")
    stored, failed = figures["batches", "stored"], figures["batches", "failed"]
    read = figures["bytes_read", ""]
    gone = "<small>since they are gone from the source</small>" if figures["removed", ""] else ""
    rest = [
        ("Batches stored", count(stored)),
        ("Batches failed", count(failed)),
        ("Retries", count(figures["retries", ""])),
        (f"Documents removed{gone}", count(figures["removed", ""])),
        ("Documents not fetched<small>since they are unchanged</small>", count(figures["unfetched", ""])),
        (f"Bytes read<small>{size(read) if read >= 1000 else ''}</small>", count(read)),
    ]
    columns = [wide("What"), number("Number")]
    told = f"<div><h3>Other figures</h3>{table('Other figures', columns, rest, hidden=True)}</div>"
    inner = f'<div class="columns">{"".join(parts)}{told}{vectors(story)}</div>'
    return section("account", "Account", inner)


def _counts(noun: str, counts: Mapping[str, int]) -> str:
    whole = sum(counts.values())
    columns = [wide("State"), number("Number"), number("Share")]
    rows = []
    for kind, value in counts.items():
        name = f'<i class="key-{_tone_of(kind)}"></i>{kind.replace("_", " ").capitalize()}'
        means = f"<small>{_MEANS[kind]}</small>" if kind in _MEANS and value else ""
        cells = (name + means, count(value), share(value, whole) if value else "")
        rows.append(cells if value else tuple(f'<span class="zero">{cell}</span>' for cell in cells))
    rows.append(("<b>In all</b>", f"<b>{count(whole)}</b>", ""))
    return table(f"What became of the {noun}", columns, rows, hidden=True)


def _bar(counts: Mapping[str, int]) -> str:
    """Return a bar of the states' shares; the table below it says the same."""
    whole = sum(counts.values())
    if not whole:
        return ""
    parts = "".join(
        f'<span class="part-{_tone_of(kind)}" style="flex-grow:{max(value / whole, 0.004):.4f}"></span>'
        for kind, value in counts.items()
        if value
    )
    return f'<div class="bar" aria-hidden="true">{parts}</div>'


def vectors(story: Story) -> str:
    """Return what became of the vectors; nothing where nothing was embedded."""
    end = story.finished
    found = end.account.vectors if isinstance(end, RunFinished) else None
    rows = [
        (html(kind.replace("_", " ").capitalize()), count(value))
        for kind, value in (asdict(found) if found is not None else {}).items()
        if value
    ]
    if not rows:
        return ""
    columns = [wide("State"), number("Number")]
    return f"<div><h3>Vectors</h3>{table('What became of the vectors', columns, rows, hidden=True)}</div>"


def left_out(story: Story) -> str:
    """Return what was left out, by reason; nothing where nothing was."""
    found = sorted(story.left_out.items(), key=lambda pair: -pair[1])
    columns = [wide("Reason"), number("Number"), wide("The first")]
    rows = [
        (html(reason), count(value), ", ".join(map(code, story.left_out_named.get(reason, ()))))
        for reason, value in found[:_LEFT_OUT]
        if value
    ]
    rest = sum(value for _, value in found[_LEFT_OUT:])
    more = f"<p>And {count(rest)} for {counted(len(found) - _LEFT_OUT, 'other reason')}.</p>" if rest else ""
    return section(
        "left-out", "Left out", table("What was left out, by reason", columns, rows, hidden=True), more
    )
