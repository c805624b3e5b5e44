"""Embedding: between reading and delivery, each record's text is given a vector."""
