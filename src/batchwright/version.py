"""The version of the package, where every module can ask for it."""

__version__ = "0.1.0"
