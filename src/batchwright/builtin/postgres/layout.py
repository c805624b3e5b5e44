"""What lies in the database.

{table}             the published relation: a view of the chunks whose document version is published
{table}_chunks      every chunk, published or not yet; the chunks of a document version are a range of ids

and the ledger's tables, as `batchwright.sinkkit.sql_ledger.tables` has them; {table}_meta holds the text
search configuration as well. {table}_before_…, _rows_… and _after_… are functions, see `functions`.
"""

from __future__ import annotations

SEARCHED_TEXT = 100_000
"""Characters of a text that are searched; a tsvector holds 1 MB, which no text of this length fills."""

SEARCHED_HEADER = 5_000
"""Characters of a header that are searched."""

CHUNKS = """
    CREATE TABLE IF NOT EXISTS {chunks} (
        id uuid PRIMARY KEY,
        document_id uuid NOT NULL,
        chunk_text text NOT NULL,
        chunk_hash text NOT NULL,
        context_header text NOT NULL,
        source_file text NOT NULL,
        source_category text,
        document_date date,
        chunk_index integer NOT NULL,
        total_chunks integer NOT NULL,
        chunk_token_count integer NOT NULL,
        metadata jsonb NOT NULL,
        span_start bigint,
        span_end bigint{search_column}
    )"""

# The header weighs more than the text. `left` keeps a long text from exceeding what a tsvector holds.
SEARCH_COLUMN = """,
        search tsvector NOT NULL GENERATED ALWAYS AS (
            setweight(to_tsvector({text_search}::regconfig, left(context_header, {header})), 'A')
            || to_tsvector({text_search}::regconfig, left(chunk_text, {text}))
        ) STORED"""

SEARCH_INDEX = "CREATE INDEX IF NOT EXISTS {index} ON {chunks} USING gin (search)"

VIEW = """
    CREATE VIEW {view} AS
    SELECT c.id, d.collection, c.chunk_text, c.chunk_hash, c.context_header, c.source_file, c.source_category,
        c.document_date, c.chunk_index, c.total_chunks, c.chunk_token_count, c.metadata,
        c.span_start, c.span_end
    FROM {chunks} AS c JOIN {documents} AS d ON d.document_id = c.document_id"""
