"""Statements about the chunks; those of the ledger are in `batchwright.sinkkit.sql_ledger`."""

from __future__ import annotations

from batchwright.builtin.postgres.rows import COLUMNS

# ruff: noqa: S608 - what is put together here are our own column names

_CONTENT = [column.name for column in COLUMNS if column.name not in ("id", "document_id")]


def _listed(names: list[str], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in names)


_NAMES = _listed([column.name for column in COLUMNS])

NEW_ROWS = f"""
    INSERT INTO {{chunks}} AS c ({_NAMES})
    SELECT * FROM unnest({", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))})"""

ROWS = f"""{NEW_ROWS}
    ON CONFLICT (id) DO UPDATE
    SET ({_listed(_CONTENT)}) = ({_listed(_CONTENT, "excluded.")})
    WHERE ({_listed(_CONTENT, "c.")}) IS DISTINCT FROM ({_listed(_CONTENT, "excluded.")})"""

COPY = f"COPY {{chunks}} ({_NAMES}) FROM STDIN (FORMAT binary)"

_IS_SOUND = "encode(sha256(convert_to(chunk_text, 'UTF8')), 'hex') = chunk_hash"

HOLDINGS = f"""
    SELECT document_id::text, count(*), count(*) FILTER (WHERE NOT {_IS_SOUND}) FROM {{chunks}}
    GROUP BY document_id ORDER BY document_id"""

SOUND = f"SELECT id::text FROM {{chunks}} WHERE id BETWEEN $1::uuid AND $2::uuid AND {_IS_SOUND}"
