"""Write batches to a sink: writers, retries, isolation of bad records. Private, like the engine."""
