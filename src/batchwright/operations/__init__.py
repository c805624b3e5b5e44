"""Plan a run, and work on what was loaded: verify, repair, replay."""
