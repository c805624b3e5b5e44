"""Reading and chunking Markdown against the bare token count of the same texts.

All comparisons are of CPU times. The cold ones are first passes, each in a process of its own: the
tokenizer remembers words, so that what comes first pays for what comes later.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from batchwright.documents import Chunker, MarkdownReader, discover
from batchwright.model import document_id
from tests.benchmarks.measuring import Case, Cost, in_fresh_process, in_process
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope

BARE, WHOLE = "bare token count", "read + chunk"


class Work:
    """What is measured, over the documents of one folder; each method returns the tokens it counted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader = MarkdownReader()
        self.chunker = Chunker()
        self.texts = [self.reader.read(found.handle, folder).text for found in discover(folder)]
        self.size = sum(len(text.encode()) for text in self.texts)
        self.cases: dict[str, Callable[[], int]] = {
            BARE: self.bare,
            "read": self.read,
            "chunk, as spans": self.spans,
            WHOLE: self.chunk,
        }

    def bare(self) -> int:
        return sum(map(self.chunker.tokenizer.count, self.texts))

    def read(self) -> int:
        for found in discover(self.folder):
            self.reader.read(found.handle, self.folder)
        return 0

    def spans(self) -> int:
        return sum(chunk.tokens for text in self.texts for chunk in self.chunker.spans(text))

    def chunk(self) -> int:
        tokens = 0
        for found in discover(self.folder):
            document = self.reader.read(found.handle, self.folder)
            version = document_id(document.source_file, document.content_hash)
            for chunk in self.chunker.chunk(document, version):
                tokens += chunk.chunk_token_count
        return tokens

    def cost(self, what: str) -> Cost:
        return in_process(self.cases[what], size=self.size)


def cold(folder: str, what: str) -> Cost:
    """Return the cost of a first pass; the texts have been read, the vocabulary loaded, nothing else."""
    work = Work(Path(folder))
    work.chunker.tokenizer.count("a")
    return work.cost(what)


def run(scope: Scope) -> Path:
    """Measure; return the file of results.

    Raises:
        AssertionError: The chunks' tokens are not as many as the text's.
    """
    folder = scope.documents()
    work = Work(folder)
    tokens = {what: case() for what, case in work.cases.items() if what != "read"}
    if len(set(tokens.values())) != 1:
        raise AssertionError(f"the counts differ: {tokens}")
    cases = [Case(BARE, partial(work.cost, BARE), clock="cpu")]
    cases += [Case(what, partial(work.cost, what), BARE, clock="cpu") for what in work.cases if what != BARE]
    first = f"{BARE}, cold"
    cold_cases = [
        Case(first, partial(in_fresh_process, cold, str(folder), BARE), clock="cpu"),
        Case(f"{WHOLE}, cold", partial(in_fresh_process, cold, str(folder), WHOLE), first, clock="cpu"),
    ]
    results = scope.measure(cases, times=4) + scope.measure(cold_cases)
    facts = {"documents": len(work.texts), "tokens": tokens[BARE]}
    return report("text", "Reading and chunking, CPU time", results, facts=facts, folder=scope.results)
