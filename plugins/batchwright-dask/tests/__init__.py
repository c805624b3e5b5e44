"""One package with the repository's own tests, whose Postgres, corpora and comparisons these stand on."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
