"""SQLite as a ledger: in the SQLite sink's own file, or in one beside a sink that keeps none itself."""
