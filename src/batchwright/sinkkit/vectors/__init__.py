"""Vectors in a database: what the sinks that keep some have in common."""
