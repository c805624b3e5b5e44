"""A ledger in SQL: its tables and what a receipt does to them, once for all databases; a dialect says how."""
