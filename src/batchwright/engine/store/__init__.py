"""The way to the target: open stores, bounded calls, retries, the breaker. Private, like the engine."""
