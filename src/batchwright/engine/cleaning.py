"""Characters that databases can't hold, in records of a program's own: stripped or escaped, if so set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from batchwright.config import BatchConfig
from batchwright.contracts.records import RecordType
from batchwright.documents.cleaning import Cleaner


def cleaned(
    record_type: RecordType, values: Sequence[Any], config: BatchConfig
) -> tuple[tuple[Any, ...], int]:
    """Return a record's values as the setting `unstorable` says, and how many characters were unstorable.

    The key stays as it is. The hash of a text that changed is the new text's.
    """
    if config.unstorable == "reject":
        return tuple(values), 0
    names = record_type.names
    cleaner = Cleaner(escape=config.unstorable == "escape")
    clean, count = cleaner.clean_values(
        values, -1 if record_type.key is None else names.index(record_type.key)
    )
    text, digest = record_type.text, record_type.text_hash
    if count and text is not None and digest is not None:
        said = (clean[names.index(text)] or "").encode("utf-8", "surrogatepass")
        position = names.index(digest)
        clean = (*clean[:position], hashlib.sha256(said).hexdigest(), *clean[position + 1 :])
    return clean, count
