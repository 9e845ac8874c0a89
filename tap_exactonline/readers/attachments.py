"""Read document attachments with their files, one call per file."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace
from typing_extensions import override

from exactonline_client.errors import AccessDenied, RequestRefused, UnexpectedAnswer, Unreadable
from exactonline_client.odata.records import as_row
from tap_exactonline.definitions.definition import TIMESTAMP
from tap_exactonline.readers.base import PartitionReader
from tap_exactonline.state import bookmarks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client.odata.decoding import Row
    from tap_exactonline.extract.batch import Batch
    from tap_exactonline.readers.request import StreamRequest

logger = logging.getLogger(__name__)

STREAM = "document_attachments"
FILES = "docs/SysAttachment.aspx"
"""Endpoint under which calls for files are counted."""
MOST = "attachments_max_mb"
MEGABYTE = 1_000_000
COLUMN, LINK, NAME, SIZE = "Attachment", "Url", "FileName", "FileSize"
AS_FILE = "Download=1"
"""Query parameter that requests the file instead of an HTML page that shows it."""
PAGE_NAMES = (".htm", ".html")


def wants_files(request: StreamRequest) -> bool:
    """Whether the column of the file is selected."""
    return COLUMN not in request.deselected


class AttachmentReader(PartitionReader):
    """Read document attachments with their files, in base64."""

    required_columns = (LINK, NAME, SIZE)

    @override
    def rows(self) -> Iterator[Batch]:
        wanted = wants_files(self.request)
        before = dict(self.state)
        for batch in super().rows():
            ready: list[Row] = []
            # In a list that is proven to be in order, advance the bookmark file by file: fewer
            # calls may be left today than the page has files.
            last = batch.rows[-1].get(TIMESTAMP) if batch.rows else None
            in_order = last is not None and bookmarks.value(batch.state, TIMESTAMP) == last
            for record in map(as_row, batch.rows):
                ready.append(record)
                if wanted and record.get(COLUMN) is None and record.get(LINK):
                    record[COLUMN] = self._file(record)
                    if in_order and record[TIMESTAMP] is not None:
                        before = bookmarks.with_bookmark(before, TIMESTAMP, record[TIMESTAMP])
                    # Files are large: send each before fetching the next.
                    yield replace(batch, rows=ready, state=before)
                    ready = []
            yield replace(batch, rows=ready)
            before = batch.state

    def _file(self, record: Row) -> str | None:
        """Download the file of an attachment, in base64; None and a warning if that fails."""
        most = int(self.run.context.config[MOST] * MEGABYTE)
        what = f"Attachment {record['ID']} of division {self.division}"
        too_large = f"{what} is sent without its file, which has more than {most} bytes."
        if (record.get(SIZE) or 0) > most:
            logger.warning(too_large)
            return None
        link = record[LINK]
        if AS_FILE not in link:
            link += f"{'&' if '?' in link else '?'}{AS_FILE}"
        try:
            content = self.connection.session.download(
                link,
                self.division,
                most,
                may_be_html=str(record[NAME]).lower().endswith(PAGE_NAMES),
            )
        except (AccessDenied, RequestRefused, UnexpectedAnswer, Unreadable) as error:
            # An attachment whose file is gone must not block the others in every run.
            logger.warning("%s is sent without its file. %s", what, error)
            return None
        if content is None:
            logger.warning(too_large)
            return None
        return base64.b64encode(content).decode()
