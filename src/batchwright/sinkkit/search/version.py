"""The version of the terms."""

VERSION = 2
"""Of what `normal` returns. An index that another version made is made anew by ``batchwright reindex``."""
