"""SIGKILL at random instants of a load that embeds, while the embedder fails in all its ways."""

from __future__ import annotations

import json
import random
import signal
import struct
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from batchwright import BatchConfig
from batchwright import Target as KnowledgeBase
from batchwright.contracts.vectors import Key, packed
from batchwright.engine.embedding.canary import CANARY
from batchwright.engine.embedding.texts import embedded_text, key_of
from batchwright.testing.embeddings_server import EmbeddingsProcess, ServerFault, ServerSettings
from batchwright.testing.embeddings_server.vectors import vector_of
from tests.support import http_embedder
from tests.support.command import Command, command
from tests.support.tables import rows
from tests.support.targets import Target

DIMENSIONS = 8
LONG = "the one text that is too long"
PROBE = "probe"


def write(folder: Path, seed: int, documents: int = 40) -> Path:
    """Write documents of which some share a text, and one holds a text that is refused."""
    chance = random.Random(seed)
    folder.mkdir()
    for number in range(documents):
        sections = [
            f"## Part {place}\n\n{'Shared text' if chance.random() < 0.1 else f'Text {number}.{place}'}"
            f" {' '.join(chance.choices(['tea', 'oil', 'ink', 'ash'], k=9))}\n"
            for place in range(chance.randint(1, 6))
        ]
        if number == 7:
            sections.append(f"## Long\n\n{LONG}\n")
        (folder / f"d{number:02}.md").write_text(f"# Doc {number}\n\n" + "\n".join(sections))
    return folder


def faults(chance: random.Random, refused: float) -> list[ServerFault]:
    """What goes wrong: each of it at some of the requests to come."""
    numbers = iter(chance.sample(range(3, 60), 20))

    def at(count: int) -> tuple[int, ...]:
        return tuple(next(numbers) for _ in range(count))

    return [
        ServerFault(text=LONG, status=422),
        ServerFault(at=at(1), refuse=refused),
        ServerFault(at=at(3), status=503),
        ServerFault(at=at(3), status=429, retry_after=1),
        ServerFault(at=at(2), cut=40, reset=True),
        ServerFault(at=at(2), reset=True),
        ServerFault(at=at(1), dimensions=5, times=1),
        ServerFault(at=at(1), spoilt="nan", times=1),
    ]


@dataclass
class Story:
    """A load that is killed, and what was kept when it was.

    Attributes:
        url: The target.
        folder: Where the command runs.
        server: What embeds.
        kept: Of each kill, or end: when it was, and the keys of the vectors that were kept then.
        kills: How often it was killed.
    """

    url: str
    folder: Path
    server: EmbeddingsProcess
    kept: list[tuple[float, set[Key]]] = field(default_factory=list)
    kills: int = 0

    @property
    def _arguments(self) -> list[str]:
        return ["run", "docs", "--to", self.url, "--config", "settings.toml", "-q", "--json"]

    def run(self) -> int:
        """Run to its end; return the exit code."""
        ended = command(*self._arguments, cwd=self.folder)
        assert ended.code in (0, 1, 3), ended.err
        if ended.code != 1:
            vectors = json.loads(ended.out)["account"]["vectors"]
            written = json.loads(ended.out)["account"]["records"]["written"]
            states = ("made", "reused", "refused", "outage", "no_text")
            assert sum(vectors[state] for state in states) == written + vectors["filled"]
        self._note()
        return ended.code

    def kill(self, after: float) -> bool:
        """Kill it after so many seconds; return whether it was still going."""
        with Command(self._arguments, self.folder) as running:
            try:
                running.process.wait(after)
            except subprocess.TimeoutExpired:
                running.send(signal.SIGKILL)
            running.ended()
            self._note()
            hit = running.process.returncode == -signal.SIGKILL
            self.kills += hit
            return hit

    def _note(self) -> None:
        self.kept.append((time.time(), set(vectors_of(self.url))))

    def check_requests(self) -> None:
        """Check by the server's log that no text was asked for that was kept, nor too often."""
        asked = self.server.requests
        bad = Counter(text for one in asked if one.status != 200 for text in one.texts)
        often = Counter(text for one in asked for text in one.texts)
        for one in asked:
            for moment, kept in self.kept:
                if one.began > moment:
                    again = [text for text in one.texts if key_of(text) in kept]
                    assert not again, f"request {one.number} has what was kept: {again[:2]}"
        for text, times in often.items():
            if text not in (CANARY, PROBE):
                wrong = 1  # the answer of wrong dimensions had a status of 200
                assert times <= 1 + self.kills + bad[text] + wrong, (text, times, bad[text])


def vectors_of(url: str) -> dict[Key, bytes]:
    """Return the vectors that are kept, by key."""
    try:
        found = rows(url, "knowledge_base_vectors")
    except Exception:  # noqa: BLE001 - no table yet
        return {}
    return {_bytes(row["key"]): _bytes(row["vector"]) for row in found}


def _bytes(vector: object) -> bytes:
    if isinstance(vector, bytes | memoryview):
        return bytes(vector)
    if isinstance(vector, str) and vector.startswith("\\x"):
        return bytes.fromhex(vector[2:])
    numbers = json.loads(vector) if isinstance(vector, str) else list(vector)  # type: ignore[call-overload]
    return struct.pack(f"<{len(numbers)}f", *numbers)


def check_rows(url: str, without: int) -> None:
    """Check that every published row has its own vector, made anew here, but for so many."""
    kept, lacking, seen = vectors_of(url), 0, 0
    for row in rows(url, "knowledge_base"):
        text = embedded_text(row["context_header"], row["chunk_text"], row["source_file"])
        found = kept.get(key_of(text))
        seen += 1
        if found is None:
            lacking += 1
        else:
            own = packed(vector_of(text, DIMENSIONS), DIMENSIONS)
            near = [
                abs(a - b)
                for a, b in zip(memoryview(found).cast("f"), memoryview(own).cast("f"), strict=True)
            ]
            assert max(near) < 1e-6
    assert seen > 100
    assert lacking == without


def _kill(target: Target, folder: Path, seed: int, kills: int, refused: float) -> None:
    chance = random.Random(seed)
    write(folder / "docs", seed)
    hits = 0
    with EmbeddingsProcess(
        faults(chance, refused), ServerSettings(dimensions=DIMENSIONS, delay=0.05), log=folder / "log.jsonl"
    ) as server:
        settings = {"url": server.url, "dimensions": DIMENSIONS, "texts": 3}
        options = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        (folder / "settings.toml").write_text(
            f'embedder = "http"\nplugins = ["{http_embedder.__file__}"]\nchunk_max_tokens = 32\n'
            f"batch_size = 9\nretry_cap = 0.2\nmax_outage = 60\nadopt = true\n[embedders.http]\n{options}"
        )
        story = Story(target.fresh(), folder, server)
        for _ in range(kills):
            hits += story.kill(chance.uniform(0.5, 3.0))
        codes = [story.run() for _ in range(3)]
        assert codes[-1] in (0, 3), codes
        [rejects] = [rows(story.url, "knowledge_base_rejects")]
        check_rows(story.url, without=len(rejects))
        assert {row["error"] for row in rejects} <= {"batchwright.errors.TextRefused"}
        assert any(LONG in str(row["payload"]) for row in rejects)
        story.check_requests()
        server.set_faults()
        config = BatchConfig(
            to=story.url,
            embedder="http",
            plugins=(http_embedder.__file__,),
            embedders={"http": settings},
            reporters=(),
        )
        with KnowledgeBase(config) as base:
            assert all(one.fate.value == "stored" for one in base.replay([*base.rejects()]))
        check_rows(story.url, without=0)
        if kills > 2:
            assert hits >= kills // 3
    print(f"{target.name}: {hits} kills, {len(server.requests)} requests, {len(rejects)} rejects")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_load_that_is_killed_pays_for_no_text_twice(
    request: pytest.FixtureRequest, tmp_path: Path, seed: int, kind: str
) -> None:
    _kill(request.getfixturevalue(f"{kind}_target"), tmp_path, seed, kills=6, refused=1.5)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_load_survives_many_kills(target: Target, tmp_path: Path, seed: int) -> None:
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        _kill(target, folder, seed + 1 + number, kills=5, refused=20.0 if not number else 2.0)
