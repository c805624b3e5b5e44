"""Load and delete what a program brings itself: records, documents or chunks, without a run."""
