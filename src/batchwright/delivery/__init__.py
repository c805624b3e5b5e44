"""Getting batches into a sink: writers, retries, isolation of bad records."""
