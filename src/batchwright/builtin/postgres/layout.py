"""What lies in the database.

{table}             the published relation: a view of the chunks whose document version is published
{table}_chunks      every chunk, published or not yet; the chunks of a document version are a range of ids
{table}_documents   the published version of each document
{table}_pending     versions that were begun
{table}_receipts    what was committed
{table}_rejects     what was set aside
{table}_runs        executions
{table}_meta        the version of all this, and the text search configuration
"""

from __future__ import annotations

SEARCHED_TEXT = 100_000
"""Characters of a text that are searched; a tsvector holds 1 MB, which no text of this length fills."""

SEARCHED_HEADER = 5_000
"""Characters of a header that are searched."""

TABLES: tuple[str, ...] = (
    """
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
    )""",
    """
    CREATE TABLE IF NOT EXISTS {documents} (
        source_file text COLLATE "C" PRIMARY KEY,
        document_id uuid NOT NULL UNIQUE,
        content_hash text NOT NULL,
        settings text NOT NULL,
        size bigint NOT NULL,
        chunks integer NOT NULL,
        rejected integer NOT NULL,
        run_id text NOT NULL,
        published_at timestamptz NOT NULL DEFAULT now()
    )""",
    """
    CREATE TABLE IF NOT EXISTS {pending} (
        document_id uuid PRIMARY KEY,
        source_file text COLLATE "C" NOT NULL,
        content_hash text NOT NULL,
        settings text NOT NULL,
        size bigint NOT NULL,
        chunks integer NOT NULL
    )""",
    """
    CREATE TABLE IF NOT EXISTS {receipts} (
        batch_id text PRIMARY KEY,
        run_id text NOT NULL,
        batch_index integer NOT NULL,
        records integer NOT NULL,
        committed_at timestamptz NOT NULL DEFAULT now()
    )""",
    # `payload` is JSON as text: jsonb refuses the very things that records are rejected for.
    """
    CREATE TABLE IF NOT EXISTS {rejects} (
        id text COLLATE "C" PRIMARY KEY,
        run_id text NOT NULL,
        source_file text COLLATE "C" NOT NULL,
        document_id text NOT NULL,
        position integer NOT NULL,
        error text NOT NULL,
        message text NOT NULL,
        sqlstate text,
        attempts integer NOT NULL,
        decided_by text NOT NULL,
        created_at text NOT NULL,
        payload text
    )""",
    """
    CREATE TABLE IF NOT EXISTS {runs} (
        run_id text PRIMARY KEY,
        started_at text COLLATE "C" NOT NULL,
        finished_at text,
        state text NOT NULL,
        source text NOT NULL,
        account jsonb NOT NULL
    )""",
)

# The header weighs more than the text. `left` keeps a long text from exceeding what a tsvector holds.
SEARCH_COLUMN = """,
        search tsvector NOT NULL GENERATED ALWAYS AS (
            setweight(to_tsvector({text_search}::regconfig, left(context_header, {header})), 'A')
            || to_tsvector({text_search}::regconfig, left(chunk_text, {text}))
        ) STORED"""

SEARCH_INDEX = "CREATE INDEX IF NOT EXISTS {index} ON {chunks} USING gin (search)"

VIEW = """
    CREATE VIEW {view} AS
    SELECT id, chunk_text, chunk_hash, context_header, source_file, source_category, document_date,
        chunk_index, total_chunks, chunk_token_count, metadata, span_start, span_end
    FROM {chunks} AS c
    WHERE EXISTS (SELECT FROM {documents} AS d WHERE d.document_id = c.document_id)"""

META = "CREATE TABLE IF NOT EXISTS {meta} (key text PRIMARY KEY, value text NOT NULL)"
