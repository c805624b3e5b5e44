"""The texts of the parts that the statement for a receipt is made of; see `receipts`."""

from __future__ import annotations

from batchwright.builtin.postgres.rows import COLUMNS

# ruff: noqa: S608 - what is put together here are our own column names

GUARD = "EXISTS (SELECT FROM receipt)"
"""Whether the receipt was stored by this very statement."""

_VERSION = "source_file, document_id, content_hash, settings, size, chunks"
_VERSIONS = ", ".join(["%b"] * 6)
_REJECT = (
    *("id", "run_id", "source_file", "document_id", "position", "error", "message", "sqlstate"),
    *("attempts", "decided_by", "created_at", "payload"),
)
_CONTENT = [column.name for column in COLUMNS if column.name not in ("id", "document_id")]


def _listed(names: list[str] | tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in names)


RECEIPT = """
    INSERT INTO {receipts} (batch_id, run_id, batch_index, records) SELECT %s, %s, %s, %s
    ON CONFLICT (batch_id) DO NOTHING RETURNING batch_id"""

CHECKED_RECEIPT = """
    INSERT INTO {receipts} (batch_id, run_id, batch_index, records) SELECT %s, %s, %s, %s
    WHERE NOT EXISTS (
        SELECT FROM unnest(%b, %b, %b) AS version (low, high, expected)
        WHERE version.expected <> (
            SELECT count(*) FROM {chunks} AS c
            WHERE c.id BETWEEN version.low AND version.high AND c.id <> ALL (%b)
        )
    )
    ON CONFLICT (batch_id) DO NOTHING RETURNING batch_id"""

ROWS = f"""
    INSERT INTO {{chunks}} AS c ({_listed([column.name for column in COLUMNS])})
    SELECT * FROM unnest({", ".join(["%b"] * len(COLUMNS))}) WHERE {GUARD}
    ON CONFLICT (id) DO UPDATE
    SET ({_listed(_CONTENT)}) = ({_listed(_CONTENT, "excluded.")})
    WHERE ({_listed(_CONTENT, "c.")}) IS DISTINCT FROM ({_listed(_CONTENT, "excluded.")})"""

OBSOLETE = f"""
    DELETE FROM {{chunks}} AS c USING unnest(%b, %b) AS version (low, high)
    WHERE c.id BETWEEN version.low AND version.high AND {GUARD}"""

PUBLISHED = f"""
    INSERT INTO {{documents}} ({_VERSION}, rejected, run_id)
    SELECT version.*, %s FROM unnest({_VERSIONS}, %b) AS version WHERE {GUARD}
    ON CONFLICT (source_file) DO UPDATE SET
        document_id = excluded.document_id, content_hash = excluded.content_hash,
        settings = excluded.settings, size = excluded.size, chunks = excluded.chunks,
        rejected = excluded.rejected, run_id = excluded.run_id, published_at = excluded.published_at"""

OPENED = f"""
    INSERT INTO {{pending}} ({_VERSION})
    SELECT * FROM unnest({_VERSIONS}) WHERE {GUARD} ON CONFLICT (document_id) DO NOTHING"""

NO_LONGER_PENDING = f"""
    DELETE FROM {{pending}}
    WHERE (source_file = ANY(%b) OR document_id = ANY(%b)) AND {GUARD}"""

DELETED = f"""
    DELETE FROM {{documents}} AS d USING unnest(%s::text[], %s::uuid[]) AS gone (source_file, document_id)
    WHERE d.source_file = gone.source_file AND d.document_id = gone.document_id AND {GUARD}"""

DELETED_REJECTS = f"""
    DELETE FROM {{rejects}} WHERE source_file = ANY(%s) AND {GUARD}"""

REJECTED = f"""
    INSERT INTO {{rejects}} ({_listed(_REJECT)})
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::integer[], %s::text[],
        %s::text[], %s::text[], %s::integer[], %s::text[], %s::text[], %s::text[]) WHERE {GUARD}
    ON CONFLICT (id) DO UPDATE SET ({_listed(_REJECT)}) = ({_listed(_REJECT, "excluded.")})"""

RESOLVED = f"DELETE FROM {{rejects}} WHERE id = ANY(%s::text[]) AND {GUARD}"

# Rejects of versions that are superseded, and of documents that could not be read before.
OUTDATED = f"""
    DELETE FROM {{rejects}} AS r USING unnest(%b, %b) AS version (source_file, document_id)
    WHERE r.source_file = version.source_file
    AND (r.document_id <> version.document_id::text OR r.position = -1) AND {GUARD}"""

# A version's rejects go with its rows.
FORGOTTEN = f"DELETE FROM {{rejects}} WHERE document_id = ANY(%s::text[]) AND {GUARD}"

UNTOUCHED = """
    NOT EXISTS (
        SELECT FROM unnest(%b, %b) AS span (low, high)
        WHERE EXISTS (SELECT FROM {chunks} AS c WHERE c.id BETWEEN span.low AND span.high)
    )"""

COPY = f"COPY {{chunks}} ({_listed([column.name for column in COLUMNS])}) FROM STDIN (FORMAT binary)"

COUNT = "SELECT count(*) FROM {chunks} WHERE id BETWEEN %s::uuid AND %s::uuid"

_IS_SOUND = "encode(sha256(convert_to(chunk_text, 'UTF8')), 'hex') = chunk_hash"

HOLDINGS = f"""
    SELECT document_id::text, count(*), count(*) FILTER (WHERE NOT {_IS_SOUND}) FROM {{chunks}}
    GROUP BY document_id ORDER BY document_id"""

SOUND = f"SELECT id::text FROM {{chunks}} WHERE id BETWEEN %s::uuid AND %s::uuid AND {_IS_SOUND}"

REJECTS = f"""
    SELECT {_listed(_REJECT)} FROM {{rejects}}
    WHERE id > %s
    AND (%s::text[] IS NULL OR id = ANY(%s::text[]))
    AND (%s::text IS NULL OR run_id = %s)
    AND (%s::text IS NULL OR source_file = %s)
    AND (%s::text IS NULL OR strpos(error, %s) > 0 OR sqlstate = %s)
    ORDER BY id LIMIT %s"""
