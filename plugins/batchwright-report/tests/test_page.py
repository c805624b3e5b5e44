"""What is on the page: of every way a run may end, of hostile text, and however much there is."""

from __future__ import annotations

import gc
import re
import tracemalloc
from itertools import groupby
from pathlib import Path

import pytest
import scenes
from batchwright import Account, DocumentCounts, RecordCounts, VectorAccount
from batchwright.contracts import events
from batchwright.testing import every_event
from reading import Page
from scenes import STARTED, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "run.html")


def finished(
    state: events.EndState = "done", code: int = 0, reason: str = "", **account: object
) -> events.RunFinished:
    return events.RunFinished("r", state, Account(**account), reason, code)  # type: ignore[arg-type]


# --- how it ended ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "title"),
    [
        (finished(), "Done"),
        (finished(code=3, records=RecordCounts(rejected=2)), "Done, but 2 records set aside"),
        (
            finished(code=3, documents=DocumentCounts(failed=1, refused=1)),
            "Done, but 1 document not loaded, 1 document refused",
        ),
        (
            finished(code=3, records=RecordCounts(rejected=2), documents=DocumentCounts(refused=2)),
            "Done, but 2 records set aside",  # rows: each is a document of its own
        ),
        (finished(code=2), "Nothing to load"),
        (finished("failed", 1, "the disk is full"), "Failed"),
        (finished("interrupted", 130, "SIGINT"), "Interrupted"),
    ],
)
def test_the_title_says_how_it_ended(stage: Stage, end: events.RunFinished, title: str) -> None:
    stage.play(STARTED, end)
    page = Page(stage.page())
    assert page.title == title
    assert page.one("title").text == f"{title}: docs – batchwright"
    assert end.reason in page.one("header").text
    assert f"Exit code{end.exit_code}" in page.one("dl", "facts").text


def test_a_run_that_did_not_begin_says_why_and_has_no_account(stage: Stage) -> None:
    said = "the server refused the password"
    stage.play(
        events.RunNotStarted("docs", "postgresql://db.example/kb", "docs", said, "batchwright.SinkError", 1)
    )
    page = Page(stage.page())
    assert page.title == "Not started"
    assert page.one("p", "reason").text == said
    assert not page.has_section("Account")
    stage.play(events.RunNotStarted("", "", "", "", "batchwright.CollectionBusy", 4))
    assert Page(stage.page()).title == "Not started: another run has the collection"


def test_while_a_run_goes_on_the_page_says_how_far_it_is(stage: Stage) -> None:
    stage.play(STARTED)
    assert Page(stage.page()).title == "Not finished"
    scenes.write(stage, 0, 100, 1.0)
    assert Page(stage.page()).counts("records")["written"] == 0, "the interval is not over yet"
    scenes.write(stage, 1, 100, 40.0)
    page = Page(stage.page())
    assert page.title == "Not finished"
    assert page.counts("records")["written"] == 200
    assert "it was killed" in page.text


def test_a_run_whose_end_nobody_says_has_what_was_known(stage: Stage) -> None:
    stage.play(STARTED)
    scenes.write(stage, 0, 100, 1.0)
    stage.reporter.close()
    page = Page(stage.page())
    assert page.title == "Not finished"
    assert page.counts("records")["written"] == 100


def test_what_happened_while_the_target_was_opened_belongs_to_the_run(stage: Stage) -> None:
    refused = ("connection refused", "classifier", None, "builtins.ConnectionRefusedError")
    stage.play(events.BatchRetrying(None, 1, 1.0, *refused))
    stage.play(STARTED, after=5)
    stage.play(finished(), after=1)
    page = Page(stage.page())
    assert page.problems() == ["1 retry: connection refused (builtins.ConnectionRefusedError)"]


def test_of_two_runs_each_has_its_own_figures(stage: Stage) -> None:
    scenes.failed_run(stage)
    stage.play(STARTED)
    scenes.write(stage, 0, 7, 0.1)
    stage.play(finished(records=RecordCounts(written=7), records_seen=7))
    page = Page(stage.page())
    assert page.title == "Done"
    assert page.counts("records")["written"] == 7
    assert page.problems() == []
    assert [row[0] for row in page.table("Slowest batches")] == ["0"]


# --- what went wrong ------------------------------------------------------------------------------


def test_of_a_run_that_failed_a_stranger_sees_the_cause_at_once(stage: Stage) -> None:
    scenes.failed_run(stage)
    page = Page(stage.page())
    missing = 'relation "kb.knowledge_base_records" does not exist'
    assert missing in page.one("header").text
    assert page.problems() == [
        f"1 batch could not be stored (256 records): {missing} "
        "(psycopg.errors.UndefinedTable, SQLSTATE 42P01)",
        "3 documents not loaded: a batch of it could not be stored",
    ]
    assert page.table("Batches by cause") == [
        [missing, "1", "256", "psycopg.errors.UndefinedTable, SQLSTATE 42P01; classified by classifier"]
    ]
    assert [row[0] for row in page.table("Documents")] == [
        "ops/backup.md",
        "ops/restore.md",
        "ops/upgrade.md",
    ]
    assert page.counts("records") == {
        "written": 7680, "unchanged": 0, "rejected": 0, "failed": 256, "not_attempted": 1100, "in_all": 9036,
    }  # fmt: skip
    assert page.source.index("What went wrong") < page.source.index(">Account<")


def test_a_run_without_trouble_has_no_sections_of_it(stage: Stage) -> None:
    stage.play(STARTED)
    scenes.write(stage, 0, 7, 0.1)
    stage.play(finished(records=RecordCounts(written=7), records_seen=7))
    titles = [heading.text for heading in Page(stage.page()).all("h2")]
    assert titles == ["Account", "Over time", "Slowest batches"]


def test_rejects_are_counted_by_cause_and_the_first_hundred_have_their_place(stage: Stage) -> None:
    stage.play(STARTED)
    for number in range(250):
        said = f"invalid input syntax for type integer: '{number}x'"
        stage.play(
            events.RecordRejected(
                f"{number}.csv", number, "psycopg.DataError", said, "classifier", "22P02", 0
            )
        )
    stage.play(events.RecordRejected("x.csv", 1, "builtins.ValueError", "no price", "mine"))
    stage.play(events.RecordRejected("y.md", None, "batchwright.DocumentError", "not UTF-8", "engine"))
    stage.play(finished(code=3, records=RecordCounts(rejected=251)))
    page = Page(stage.page())
    assert [(row[0], row[1]) for row in page.table("Records by cause")] == [
        ("invalid input syntax for type integer: '0x'", "250"),
        ("no price", "1"),
    ]
    named = page.table("Records set aside, each with its place")
    assert [row[:2] for row in named] == [[f"{number}.csv", str(number)] for number in range(100)]
    assert "The first 100 of 251 records" in page.text


def test_numbers_make_no_causes_of_their_own(stage: Stage) -> None:
    stage.play(STARTED)
    for number in (7, 1_069, 1_166_000, 1.5):
        said = f"line {number:,}: 2 fields instead of 3"
        stage.play(events.RecordRejected(f"{number}", 0, "batchwright.DocumentError", said, "engine"))
        stage.play(
            events.DocumentFinished(f"{number}", "refused", 1, reason="none of its records can be stored")
        )
    stage.play(finished(code=3, records=RecordCounts(rejected=4), documents=DocumentCounts(refused=4)))
    assert Page(stage.page()).problems() == [
        "4 records set aside: line 7: 2 fields instead of 3 (batchwright.DocumentError)"
    ]


def test_documents_that_are_refused_are_no_failures(stage: Stage) -> None:
    stage.play(STARTED)
    for number in (1, 2):
        stage.play(events.RecordRejected("a.md", number, "builtins.ValueError", "no price", "mine"))
    stage.play(events.DocumentFinished("a.md", "refused", 2, reason="none of its records can be stored"))
    stage.play(finished(code=3, records=RecordCounts(rejected=2), documents=DocumentCounts(refused=1)))
    page = Page(stage.page())
    assert page.problems()[1] == "1 document refused: none of its records can be stored"
    assert [row[:2] for row in page.table("Documents")] == [["a.md", "refused"]]


def test_why_a_run_ended_is_said_once(stage: Stage) -> None:
    stage.play(STARTED, events.StopRequested("SIGTERM"), finished("interrupted", 143, "SIGTERM"))
    assert Page(stage.page()).one("header").text.count("SIGTERM") == 1


def test_a_run_that_found_nothing_has_no_account_of_zeros(stage: Stage) -> None:
    stage.play(STARTED, finished(code=2, left_out={"no reader: .png": 2}))
    page = Page(stage.page())
    assert not page.has_section("Account")
    assert page.has_section("Left out")


def test_rejects_of_earlier_runs_are_said(stage: Stage) -> None:
    stage.play(STARTED, finished(code=3, records=RecordCounts(rejected=4)))
    assert Page(stage.page()).problems() == ["4 records set aside by earlier runs, and still are"]


def test_outages_of_several_workers_at_once_count_once(stage: Stage) -> None:
    stage.play(STARTED)
    stage.play(events.OutageStarted("refused"))
    stage.play(events.OutageStarted("refused"), after=2)
    stage.play(events.OutageEnded(8), after=8)
    stage.play(events.OutageEnded(9), after=1)
    stage.play(events.OutageStarted("refused"), after=1)
    stage.play(finished("interrupted", 1, "the sink was down for too long"), after=4)
    page = Page(stage.page())
    assert page.problems() == ["3 outages, 15.0 s in all: refused"]
    assert [row[:2] for row in page.table("Outages")] == [
        ["0 ms", "10.0 s"], ["2.00 s", "9.00 s"], ["12.0 s", "until the end"],
    ]  # fmt: skip


def test_slow_batches_are_named_with_their_documents(stage: Stage) -> None:
    stage.play(STARTED)
    for index in range(30):
        scenes.write(stage, index, 10, 1.0 + (index * 7 % 30) / 10, documents=1 + index % 3)
    stage.play(finished())
    rows = Page(stage.page()).table("Slowest batches")
    assert len(rows) == 10
    assert [row[1] for row in rows][:3] == ["3.90 s", "3.80 s", "3.70 s"]
    assert rows[0][0] == "17"
    assert rows[0][-1] == "guide/0017-install.md to guide/0017-upgrade.md (3 documents)"
    single = next(row for row in rows if int(row[0]) % 3 == 0)
    assert single[-1] == f"guide/{int(single[0]):04}-install.md"


def test_what_was_left_out_is_shown_by_reason_with_the_first(stage: Stage) -> None:
    stage.play(STARTED, events.InputCounted(1, 1, {"no reader: .png": 2}))
    stage.play(events.ItemLeftOut("a.png", "no reader: .png"), events.ItemLeftOut("c.md", "data URI", "2"))
    stage.play(events.DocumentsRead(1, 1, 1, {"data URI": 2}), events.DocumentsRead(1, 1, 1, {"data URI": 2}))
    stage.play(finished(left_out={"no reader: .png": 2, "data URI": 2}))  # the account is exact
    assert Page(stage.page()).table("What was left out, by reason") == [
        ["no reader: .png", "2", "a.png"], ["data URI", "2", "c.md (2)"],
    ]  # fmt: skip


def test_vectors_are_shown_where_there_are_any(stage: Stage) -> None:
    for vectors, shown in ((VectorAccount(made=1200, reused=88, no_text=2), True), (VectorAccount(), False)):
        stage.play(STARTED, events.RunFinished("r", "done", Account(vectors=vectors)))
        rows = Page(stage.page()).table("What became of the vectors")
        assert bool(rows) == shown
        assert not shown or rows == [["Made", "1,200"], ["Reused", "88"], ["No text", "2"]]


# --- what others wrote ----------------------------------------------------------------------------

HOSTILE = (
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' style='position:fixed",
    "\x1b[31mred\x1b[0m\x07",
    "safe\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "two\nlines\r\x00",
    "lone \ud800 surrogate",
    "<!-- & &lt; ]]> -->",
    "tags \U000e0041\U000e0042",
)


def hostile_run(stage: Stage, text: str) -> None:
    """A run in which every text that others may write is this one."""
    stage.play(events.BatchRetrying(None, 1, 1.0, text, text, text, text))
    stage.play(events.RunStarted(text, text, text, text), events.InputCounted(1, 1, {text: 3}))
    stage.play(events.ItemLeftOut(text, text, text), events.OutageStarted(text), events.StopRequested(text))
    stage.play(events.BatchStarted(0, 3, 1.7e9, 0, 2, text, f"{text}2"), after=1)
    stage.play(events.BatchWritten(0, 3, 30, 1.0), after=1)
    stage.play(events.RecordRejected(text, 1, text, text, text, text, 0))
    stage.play(events.BatchFailed(0, 3, text, text, 0, text, True, text))
    stage.play(events.DocumentFinished(text, "failed", 1, 0, 1, text), events.BatchFinished(0, "failed", 1.0))
    stage.play(finished("failed", 1, text, left_out={text: 3}))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_what_others_wrote_is_neither_obeyed_nor_hidden(stage: Stage, text: str) -> None:
    hostile_run(stage, text)
    source = stage.page()
    page = Page(source)
    assert not page.all("script")
    assert not page.all("img")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff]", source)
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on")], element
    others = Page(ordinary(stage))
    assert {element.tag for element in page.elements} - {element.tag for element in others.elements} == set()
    stage.play(events.RunNotStarted(text, text, text, text, text, 1))
    Page(stage.page())


def ordinary(stage: Stage) -> str:
    hostile_run(stage, "plain")
    return stage.page()


def test_escapes_are_those_of_the_command(stage: Stage) -> None:
    hostile_run(stage, "a\x1b[31m\u202eb")
    assert Page(stage.page()).text.count(r"a\x1b[31m\u202eb") >= 12


def test_names_in_other_scripts_stay_as_they_are(stage: Stage) -> None:
    for text in ("מדריך/התקנה.md", "手順書.md", "नमस्ते.md", "👩‍👩‍👧.md"):
        hostile_run(stage, text)
        page = Page(stage.page())
        assert page.text.count(text) >= 12
        assert any(element.text == text for element in page.all("bdi")), "its direction is its own affair"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hunter2@db.example/kb",
        "https://hunter2@example.com/x",
        "connection failed: password=hunter2 host=db",
        "s3://bucket/x?X-Amz-Signature=1&token=hunter2",
        "x" * 500 + " postgresql://me:" + "hunter2" * 100 + "@db.example/kb " + "x" * 500,
    ],
)
def test_passwords_are_masked_wherever_they_stand(stage: Stage, text: str) -> None:
    hostile_run(stage, text)
    assert "hunter2" not in stage.page()


# --- however much there is ------------------------------------------------------------------------


def test_a_run_of_a_million_rows_has_a_page_of_a_fraction_of_a_megabyte(stage: Stage) -> None:
    account = scenes.long_run(stage, rejects=5_000)
    stage.play(
        finished(code=3, records=account.records, documents=account.documents, seconds=account.seconds)
    )
    source = stage.page()
    page = Page(source)
    assert len(source.encode()) < 200_000
    assert page.counts("records")["written"] == 1_000_000
    assert len(page.all("rect", "tip")) <= 3 * 120
    assert 10 <= len(page.table("What happened when")) <= 30


def test_memory_does_not_grow_with_the_run(stage: Stage) -> None:
    """The short run has as much of everything as is ever kept; the long one has four times the batches."""

    def run(batches: int) -> tuple[int, int]:
        """Return how much was kept before the end, and the most that there was while the page was made."""
        before = tracemalloc.get_traced_memory()[0]
        stage.play(STARTED)
        for index in range(batches):
            scenes.write(stage, index, 32, 0.0054)
            said = f"{index:x}" * 9
            stage.play(events.RecordRejected(f"{index}.md", index, f"app.Error{index}", said, f"p{index}"))
            stage.play(events.DocumentFinished(f"{index}.md", "failed", 1, reason=f"reason {index:x} " * 25))
            stage.play(events.BatchStarted(10**6 + index, 1, 1.7e9, 0, 1, "lost" * 40, "lost"))
        kept = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.reset_peak()
        stage.play(finished(left_out={f"no reader: .{index}": 1 for index in range(500)}))
        return kept, tracemalloc.get_traced_memory()[1] - before

    gc.disable()  # so that a story that refers to itself would show, each time
    tracemalloc.start()
    try:
        run(1_100)
        left = tracemalloc.get_traced_memory()[0]
        short, long = run(1_100), run(4_400)
        assert tracemalloc.get_traced_memory()[0] < left + 100_000, "nothing of a run stays"
    finally:
        tracemalloc.stop()
        gc.enable()
    for few, many in zip(short, long, strict=True):
        assert many < 1.3 * few, (short, long)
    assert max(long) < 8_000_000


@pytest.mark.parametrize("letter", ["x", "&", '"', "\x1b", "\u202e", "\U000e0041", "语", "'1"], ids=ascii)
def test_a_page_is_smaller_than_a_megabyte_whatever_happens(tmp_path: Path, letter: str) -> None:
    stage = Stage(tmp_path / "run.html", interval=86_400)
    stage.play(events.RunStarted(letter * 5_000, letter * 5_000, letter * 5_000, letter * 5_000))
    for index in range(200):
        # another cause each time, and no two texts alike
        text = f"{chr(0x4E00 + index)}{letter * 400}"
        stage.play(events.BatchStarted(index, 5, 1.7e9, 0, 5, text, text + "z"))
        stage.play(events.BatchWritten(index, 5, 5, 5.0 + index), after=5.0 + index)
        stage.play(
            events.BatchRetrying(index, 1, 1.0, text, text, text, text), events.BatchSplit(index, 5, text)
        )
        stage.play(events.BatchFailed(index, 5, text, text, 1, text, False, text))
        stage.play(events.RecordRejected(text, index, text, text, text, text, index))
        stage.play(
            events.DocumentFinished(text, "failed", 5, reason=text), events.ItemLeftOut(text, text, text)
        )
        stage.play(events.OutageStarted(text), events.OutageEnded(1.0))
        stage.play(events.BatchFinished(index, "failed", 5.0 + index))
    reasons = {f"{chr(0x4E00 + index)}{letter * 300}": 1 for index in range(300)}
    stage.play(finished("failed", 1, letter * 9_000, left_out=reasons))
    size = len(stage.page().encode())
    assert size < 1_000_000
    Page(stage.page())


def test_any_event_with_any_value_makes_a_page_that_is_whole(stage: Stage) -> None:
    for _, those in groupby(every_event(), type):
        stage.play(STARTED)
        stage.play(*those, after=1)
        stage.play(finished(), after=1)
        Page(stage.page())
    for length in (0.0, 1e-4, 0.3, 3e7):
        stage.play(STARTED)
        scenes.write(stage, 0, 1, length)
        stage.play(finished(), after=length)
        Page(stage.page())
