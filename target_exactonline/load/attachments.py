"""Upload the files of documents: first, so that a document can refer to them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from exactonline_client.store.postings import derived
from target_exactonline.load.journal import Intent
from target_exactonline.load.search import Search
from target_exactonline.mapping.model import Document, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.catalogue import Endpoint
    from target_exactonline.load.writer import Writer
    from target_exactonline.mapping.attachments import Attachment

DOCUMENTS = "documents/Documents"
ATTACHMENTS = "documents/DocumentAttachments"
LINK = "Document"
"""The property by which an entity refers to its document."""
SALES, PURCHASE, MISCELLANEOUS = 10, 20, 55
TYPES = {
    "salesinvoice/SalesInvoices": SALES,
    "salesentry/SalesEntries": SALES,
    "purchaseentry/PurchaseEntries": PURCHASE,
    "purchase/PurchaseInvoices": PURCHASE,
}
"""Type of the document with the files of an entity."""
RELATIONS = ("OrderedBy", "Customer", "Supplier", "Account")
"""Properties of an entity with the relation that its document belongs to."""


def can_attach(endpoint: Endpoint) -> bool:
    """Whether files can go with the documents of an endpoint."""
    link = endpoint.columns.get(LINK)
    return endpoint.id == DOCUMENTS or (
        endpoint.id != ATTACHMENTS and link is not None and link.post
    )


@dataclass(frozen=True)
class Attacher:
    """Uploads the files of documents, each once."""

    writer: Writer
    stream: str

    def document_for(self, endpoint: Endpoint, document: Document) -> str:
        """Upload files into a document at Exact Online; return its key.

        Raises:
            InDoubt: whether one of the uploads arrived is not known yet.
            The errors of `Session.write`.
        """
        reference = str(document.reference)
        fields: dict[str, Any] = {
            "Subject": reference,
            "Type": TYPES.get(endpoint.id, MISCELLANEOUS),
        }
        relation = next((document.fields[n] for n in RELATIONS if document.fields.get(n)), None)
        if relation is not None:
            fields["Account"] = relation
        name = derived(endpoint.id, reference)

        def look(sent_at: float) -> list[str]:
            search = self._search(DOCUMENTS, "Subject")
            rows = search.made_since(sent_at, reference)
            return [str(row[search.key]) for row in rows or ()]

        key = self._once(DOCUMENTS, name, fields, look)
        self.attach(key, name, document.attachments)
        return key

    def attach(self, key: str, name: str, files: tuple[Attachment, ...]) -> None:
        """Add files to a document at Exact Online; `name` is its reference in the journal."""
        for file in files:
            content = base64.b64encode(file.read()).decode()
            digest = hashlib.sha256(content.encode()).hexdigest()[:16]
            fields = {"Document": key, "FileName": file.file_name, "Attachment": content}

            def look(_sent_at: float, file_name: str = file.file_name) -> list[str]:
                search = self._search(ATTACHMENTS, "FileName")
                columns = [search.key, "FileName"]
                rows = search.where(search.endpoint, "Document", [key], columns)
                return [str(row[search.key]) for row in rows if row.get("FileName") == file_name]

            self._once(ATTACHMENTS, derived(name, digest, file.file_name), fields, look)

    def _once(
        self,
        entity: str,
        reference: str,
        fields: dict[str, Any],
        look: Callable[[float], list[str]],
    ) -> str:
        # The record of the document they belong to is kept with that; this would hold the file.
        intent = Intent(self.stream, entity, reference, "", record={})
        endpoint = catalogue.load().endpoints[entity]
        return self.writer.once(endpoint, intent, encode(fields), look)

    def _search(self, entity: str, field: str) -> Search:
        endpoint = catalogue.load().endpoints[entity]
        return Search(self.writer.connection, self.writer.division, endpoint, field)
