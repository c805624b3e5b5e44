"""Where everything is in the folder of the sink.

data/FOLDER/part-SEQ-N.parquet      published documents, each whole and in one file
_batchwright/manifest.jsonl         the manifest: what is committed
_batchwright/pending/               rows of documents that aren't whole yet
_batchwright/staging/               files to be moved to data/
_batchwright/leases/                who loads which collection
_batchwright/lock                   held by the process that writes, for as long as a write takes

Arrow, Spark and pandas ignore names that begin with an underscore when they read the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

OURS = "_batchwright"
MANIFEST = f"{OURS}/manifest.jsonl"
LOCK = f"{OURS}/lock"
LEASES = f"{OURS}/leases"
PENDING = f"{OURS}/pending"
STAGING = f"{OURS}/staging"
DATA = "data"


def partition_folder(category: str | None) -> str:
    """Return the folder for a category: readable, fit for any file system, and never read as a value.

    Two categories may share one; it groups files, and says nothing that isn't in them.
    """
    if not category:
        return "uncategorised"
    slug = re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")[:40].strip("-")
    if slug == category:
        return slug
    mark = hashlib.sha256(category.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug}-{mark}" if slug else mark


def sync_folder(path: Path) -> None:
    """Make the names in a folder withstand a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
