"""Read the input: which documents there are, which changed, and their chunks. Private, like the engine."""
