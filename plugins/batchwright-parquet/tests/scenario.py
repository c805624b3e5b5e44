"""A small load with everything in it that a sink must survive being killed in; the same every time."""

from __future__ import annotations

from batchwright import Batch, DocumentVersion, ProcessedChunk, Publication, Receipt
from batchwright.sink import AnySink

Version = tuple[DocumentVersion, list[ProcessedChunk]]


def version(name: str, chunks: int, category: str | None) -> Version:
    """Return a version of a document; the number of its chunks tells it from the others."""
    made = [
        ProcessedChunk(
            chunk_text=f"{name} {index} of {chunks}: ünïcödé 🜁",
            source_file=name,
            source_category=category,
            chunk_index=index,
            total_chunks=chunks,
            metadata={"title": name},
        )
        for index in range(chunks)
    ]
    return DocumentVersion(name, made[0].document_id, f"hash {chunks}", "settings", 100, chunks), made


A1, A2 = version("a.md", 3, "x"), version("a.md", 4, "x")
B1, B2 = version("b.md", 2, "y"), version("b.md", 3, "x")
C1, D1, E1 = version("c.md", 5, None), version("d.md", 1, "y"), version("e.md", 2, "x")
VERSIONS = {
    found.document_id: {chunk.id for chunk in chunks} for found, chunks in (A1, A2, B1, B2, C1, D1, E1)
}
FINAL = {chunk.id: chunk.chunk_text for _, chunks in (A2, B2, C1, E1) for chunk in chunks}


def published(of: Version, before: int = 0, supersedes: tuple[str, ...] = ()) -> Publication:
    """Return the publication of a version."""
    return Publication(of[0], stored_before=before, supersedes=supersedes)


STEPS: list[tuple[list[ProcessedChunk], Receipt]] = [
    (A1[1] + B1[1], Receipt("1", "run", publications=(published(A1), published(B1)))),
    (C1[1][:2] + D1[1], Receipt("2", "run", opened=(C1[0],), publications=(published(D1),))),
    (C1[1][2:], Receipt("3", "run", publications=(published(C1, 2),))),
    (A2[1] + B2[1][:1], Receipt("4", "run", opened=(B2[0],), publications=(
        published(A2, 0, (A1[0].document_id,)),))),
    (B2[1][1:] + E1[1], Receipt("5", "run", publications=(
        published(B2, 1, (B1[0].document_id,)), published(E1)))),
    ([], Receipt("6", "run", deleted=(("d.md", D1[0].document_id),))),
]  # fmt: skip


def load(sink: AnySink) -> None:
    """Do all of it; what is done already changes nothing."""
    for number, (chunks, receipt) in enumerate(STEPS):
        sink.write(Batch(chunks, number), receipt)
