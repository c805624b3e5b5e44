"""What decides how a text is cut, known without importing what cuts it."""

from __future__ import annotations

_VERSION = (
    "v4"  # raise it when the same text would be cut differently: stored documents are then chunked anew
)


def signature_of(encoding: str, max_tokens: int, overlap: int, *, count_header: bool) -> str:
    """Return everything that decides how a text is cut, in short, as in ``cl100k_base/512/0/v4``.

    Args:
        encoding: The token encoding.
        max_tokens: Tokens of a chunk, at most.
        overlap: Tokens that a chunk repeats, at most.
        count_header: Whether its header counts as well.
    """
    signature = f"{encoding}/{max_tokens}/{overlap}/{_VERSION}"
    return f"{signature}/header" if count_header else signature
