"""Text search with one meaning in every database: terms, queries, and the order of what is found. Public."""
