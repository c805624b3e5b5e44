"""SQLite as a ledger: in the SQLite sink's file, or in a file beside another sink. Public, like the kit."""
