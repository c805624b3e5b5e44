"""Write batches to a sink: writers, batches, isolation of bad records. Private, like the engine."""
