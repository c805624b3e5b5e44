"""The built-in plugins. They come in through the entry-point group, and import only public names."""
