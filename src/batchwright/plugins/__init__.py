"""Find, load and ask plugins. Private: for the engine and the layers above it."""
