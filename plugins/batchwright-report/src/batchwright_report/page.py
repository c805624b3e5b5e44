"""The page: one file that needs no network and no script."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from importlib.resources import files

import batchwright
from batchwright.contracts import exits
from batchwright.contracts.events import RunFinished, RunNotStarted, RunStarted
from batchwright.plurals import counted, size

from batchwright_report import account, problems, speed
from batchwright_report.numbers import duration
from batchwright_report.place import GENERATOR
from batchwright_report.story import Story
from batchwright_report.text import code, html, message
from batchwright_report.verdict import Verdict, verdict

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What the browser may load for the page: nothing; and no script runs, whatever got past escaping."""

_SIGNS = {"good": "✓", "warn": "!", "bad": "✕", "wait": "…"}


def page(story: Story) -> str:
    """Return what is known of a run, as HTML."""
    end = verdict(story)
    parts = [
        _header(story, end),
        problems.at_a_glance(story),
        account.key_figures(story) if _has_account(story) else "",
        account.account(story) if _has_account(story) else "",
        speed.over_time(story),
        speed.slowest(story),
        *problems.sections(story),
        account.left_out(story),
    ]
    inner = "\n".join(filter(None, parts))
    style = files(__package__).joinpath("style.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'{GENERATOR}\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f'<link rel="icon" href="data:,">\n<title>{_title(story, end)}</title>\n<style>\n{style}</style>\n'
        f"</head>\n<body>\n<main>\n{inner}\n</main>\n{_footer()}\n</body>\n</html>\n"
    )


def _has_account(story: Story) -> bool:
    end = story.finished
    if isinstance(end, RunFinished):
        return end.exit_code != exits.USAGE or end.account.documents.total > 0
    return end is None


def _title(story: Story, end: Verdict) -> str:
    about = _about(story)
    of = f": {message(about.collection, 60)}" if about is not None and about.collection else ""
    return f"{escape(end.title)}{escape(of)} – batchwright"


def _about(story: Story) -> RunStarted | RunNotStarted | None:
    if story.started is not None:
        return story.started
    return story.finished if isinstance(story.finished, RunNotStarted) else None


def _header(story: Story, end: Verdict) -> str:
    reason = f'<p class="reason">{html(message(end.reason, 1_000))}</p>' if end.reason else ""
    advice = f"<p>{end.advice}</p>" if end.advice else ""
    return (
        f'<header class="{end.tone}"><p class="what">batchwright run</p>'
        f'<h1><span class="sign" aria-hidden="true">{_SIGNS[end.tone]}</span> {escape(end.title)}</h1>'
        f"{reason}{advice}{_facts(story)}</header>"
    )


def _facts(story: Story) -> str:
    about, end = _about(story), story.finished
    facts = []
    if about is not None:
        facts += [
            ("Source", code(message(about.source))),
            ("Target", code(message(about.target))),
            ("Collection", code(message(about.collection))),
        ]
    if story.input is not None:
        documents, length = story.input
        facts.append(("Found", f"{counted(documents, 'document')}, {size(length)}"))
    began = story.began_at
    shown = f"{began:%Y-%m-%d %H:%M:%S} {began:%z}"
    facts.append(("Began", f'<time datetime="{began.isoformat(timespec="seconds")}">{shown}</time>'))
    if story.started is not None:
        facts.append(("Took" if end else "So far", duration(account.seconds(story))))
        if story.started.resumed:
            facts.append(("Resumed", "an earlier run had left work unfinished"))
        if story.stop is not None:
            after, why = story.stop
            told = isinstance(end, RunFinished) and message(end.reason) == why
            facts.append(("Stopped", f"after {duration(after)}" + ("" if told else f": {html(why)}")))
        facts.append(("Run", code(message(story.started.run_id, 60))))
    if end is not None:
        facts.append(("Exit code", str(end.exit_code)))
    items = "".join(f"<div><dt>{name}</dt><dd>{said}</dd></div>" for name, said in facts if said)
    return f'<dl class="facts">{items}</dl>'


def _footer() -> str:
    now = datetime.now(UTC).astimezone()
    return (
        f"<footer><p>Written {now:%Y-%m-%d %H:%M:%S} {now:%z} by batchwright {batchwright.__version__}. "
        "Times are counted from the run's beginning. Long names and messages are shortened, and control "
        "characters are shown as escapes.</p></footer>"
    )
