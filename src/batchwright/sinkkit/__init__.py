"""Code that sinks share. Public, for authors of sinks; the engine and higher layers import it too."""
