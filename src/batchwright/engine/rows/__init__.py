"""Rows of files: found types, a spool sorted by key, and what is to become of each row."""
