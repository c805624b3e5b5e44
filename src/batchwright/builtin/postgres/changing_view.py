"""A view that is made again for other columns: it keeps its rights, options and comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from batchwright.builtin.postgres.names import Names
from batchwright.errors import ConfigError

_KEPT = """
SELECT format('GRANT %s ON {view} TO %s%s', granted.privilege_type,
              CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS granted
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = granted.grantee
 WHERE c.oid = $1::regclass AND granted.grantee <> c.relowner
UNION ALL
SELECT format('GRANT %s (%I) ON {view} TO %s%s', granted.privilege_type, a.attname,
              CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
              CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_catalog.pg_attribute AS a, pg_catalog.aclexplode(a.attacl) AS granted
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = granted.grantee
 WHERE a.attrelid = $1::regclass AND NOT a.attisdropped
UNION ALL
SELECT format('ALTER VIEW {view} SET (%s)', array_to_string(c.reloptions, ', '))
  FROM pg_catalog.pg_class AS c WHERE c.oid = $1::regclass AND c.reloptions IS NOT NULL
UNION ALL
SELECT format('COMMENT ON VIEW {view} IS %L', d.description)
  FROM pg_catalog.pg_description AS d
 WHERE d.objoid = $1::regclass AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
UNION ALL
SELECT format('COMMENT ON COLUMN {view}.%I IS %L', a.attname, d.description)
  FROM pg_catalog.pg_description AS d
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
 WHERE d.objoid = $1::regclass AND d.classoid = 'pg_class'::regclass AND d.objsubid > 0
UNION ALL
SELECT format('ALTER VIEW {view} OWNER TO %I', r.rolname)
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
 WHERE c.oid = $1::regclass AND r.rolname <> current_user
"""
"""Makes statements that give a view what it has beside its columns: rights, options, comments, its owner."""


@contextmanager
def changing_view(
    connection: psycopg.Connection[Any], names: Names, view: str, columns: Sequence[str]
) -> Iterator[None]:
    """Have the block make a view again, in the transaction that is open.

    PostgreSQL changes no type of a column that a view shows, so the view is dropped where that is to happen.
    Where it is only replaced, it would lose its options: `security_invoker` guards its rows.

    Args:
        connection: The connection.
        names: The relations.
        view: Which view: what stands for it in statements.
        columns: The columns of which the type changes.

    Raises:
        ConfigError: Another view, or a function, uses it.
    """
    shown = names.tables[view]
    query = _KEPT.replace("{view}", shown.replace("%", "%%").replace("'", "''"))
    kept = connection.execute(query.encode(), [shown]).fetchall()
    try:
        with connection.transaction():
            if columns:
                connection.execute(f"DROP VIEW {shown}".encode())
    except psycopg.errors.DependentObjectsStillExist as error:
        used = (error.diag.message_detail or "").replace("\n", "; ")
        raise ConfigError(
            f"{', '.join(columns)} of {shown} can't be widened while something else uses that view: {used}. "
            "Drop that, run, and make it again; or say the type that the column has now, as in "
            f"--types {columns[0]}=integer, which rejects the values that don't fit"
        ) from None
    yield
    for (statement,) in kept if columns else (one for one in kept if " SET (" in one[0]):
        connection.execute(statement.encode())
