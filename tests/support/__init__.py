"""What the tests stand on: a real Postgres, and a guard that keeps them on this machine."""
