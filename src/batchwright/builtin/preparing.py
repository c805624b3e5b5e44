"""What batchwright itself does to documents before they are chunked."""

from __future__ import annotations

from batchwright import documents
from batchwright.config import BatchConfig
from batchwright.contracts.hookspecs import hookimpl
from batchwright.model import Document


@hookimpl(trylast=True)
def prepare_document(document: Document, config: BatchConfig) -> Document:
    """Leave out data inside of the text, give it a title, and clean it where the settings say so."""
    document = documents.finished(document)
    if config.unstorable == "reject":
        return document
    return documents.Cleaner(escape=config.unstorable == "escape").clean(document)
