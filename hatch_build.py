"""The long description for a package index: the README, without links into this repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_INNER_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?!https?:)[^)\s]*\)")
_MARK = re.compile(r"^<!-- .*? -->\n", re.M)


class LongDescription(MetadataHookInterface):
    """Makes the long description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add it to the metadata."""
        text = Path(self.root, "README.md").read_text("utf-8")
        text = _INNER_LINK.sub(r"\g<text>", _MARK.sub("", text))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
