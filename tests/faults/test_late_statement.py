"""A statement that the server executes after its client was killed, and after the next run has ended.

The statement waits for a lock that the test holds. It publishes a document that is gone from the folder by
then, so the next run removes what was begun of it; or it waits itself until the statement has come through.

There is no such thing on SQLite: no server, and what a killed process has not committed is undone with it. A
run that goes on after another one's end is the nearest to it: `test_two_runs.py`.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.postgres_locks import held, wait_for_silence, waiting
from tests.support.tables import TABLE, published, rows
from tests.support.targets import Target
from tests.support.two_runs import (
    CHUNK_TOKENS,
    GatedRun,
    check_at_rest,
    differences,
    load,
    undisturbed,
    wait_until,
    write_document,
)

FEW, MANY = 10, 400
"""Records of the document; of many, so many go with the last statement that it is a COPY."""
ROW = "SELECT FROM {} WHERE key = 'guide.md' FOR UPDATE"
LOCKS = {
    "the published document's row": ROW.format(f"{TABLE}_documents"),
    "the begun version's row": ROW.format(f"{TABLE}_pending"),
    "the documents": f"LOCK TABLE {TABLE}_documents IN SHARE MODE",
    "the receipts": f"LOCK TABLE {TABLE}_receipts IN SHARE MODE",
}


@pytest.mark.parametrize(
    ("lock", "prune", "before", "records"),
    [
        ("the published document's row", "--no-prune", "an older version", FEW),
        ("the begun version's row", "--no-prune", "nothing", FEW),
        ("the receipts", "--prune", "nothing", MANY),
        pytest.param(
            "the published document's row", "--prune", "an older version", FEW, marks=pytest.mark.slow
        ),
        pytest.param("the documents", "--prune", "an older version", FEW, marks=pytest.mark.slow),
        pytest.param("the receipts", "--no-prune", "an older version", MANY, marks=pytest.mark.slow),
        pytest.param("the receipts", "--prune", "an older version", FEW, marks=pytest.mark.slow),
        pytest.param(
            "the begun version's row", "--no-prune", "an older version", FEW, marks=pytest.mark.slow
        ),
        pytest.param("the begun version's row", "--prune", "nothing", FEW, marks=pytest.mark.slow),
        pytest.param("the documents", "--no-prune", "nothing", FEW, marks=pytest.mark.slow),
    ],
)
def test_a_statement_that_lands_late_publishes_a_whole_document_or_nothing(
    postgres_target: Target, tmp_path: Path, lock: str, prune: str, before: str, records: int
) -> None:
    last = 1 if records == FEW else MANY // 2
    url, docs = postgres_target.fresh(), tmp_path / "docs"
    guide = docs / "guide.md"
    if before != "nothing":
        write_document(guide, records, "older")
    for name in ("index", "news", "notes"):
        write_document(docs / f"{name}.md", 3, name)
    load(docs, url)
    older = published(url)
    write_document(guide, records)
    expected = undisturbed(postgres_target, docs)
    rest = {name: chunks for name, chunks in expected.items() if name != "guide.md"}

    with GatedRun(docs, url, tmp_path / "gate", at=2, size=records - last) as killed, ExitStack() as stack:
        killed.reached()
        wait_until(lambda: bool(rows(url, f"{TABLE}_pending")), "all but the last records are stored")
        with held(url, LOCKS[lock]):
            killed.release()
            wait_until(lambda: bool(waiting(url)), "the last statement waits for the lock")
            killed.send(signal.SIGKILL)
            killed.ended()
            late = waiting(url)
            assert late, "the statement went with its client: the test tests nothing"
            away = guide.rename(tmp_path / "guide.md")
            second = stack.enter_context(Command(_run(docs, url, prune), tmp_path))
            wait_until(
                lambda: second.process.poll() is not None or bool(waiting(url) - late),
                "the second run has ended, or waits for a lock as well",
            )
            print("the second run", "waits as well" if second.process.poll() is None else "has ended")
        ended = second.ended()
    assert ended.code == 0, ended.err
    wait_for_silence(url)
    found = published(url)
    print(
        "the late statement",
        "has published" if found.get("guide.md") == expected["guide.md"] else "is undone",
    )
    assert differences(found, rest) == []
    assert found.get("guide.md") in (None, older.get("guide.md"), expected["guide.md"]), "it isn't whole"
    away.rename(guide)
    check_at_rest(url, docs, expected)
    postgres_target.drop(url)


def _run(folder: Path, url: str, *arguments: str) -> list[str]:
    return ["run", str(folder), "--to", url, "-q", "--chunk-max-tokens", str(CHUNK_TOKENS), *arguments]
