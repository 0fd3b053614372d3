"""The lines of an import, page by page, all of them or those of one kind."""

import json
from collections.abc import Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db import connection

from plaid_link.imports.models import LINES_PER_CHUNK, ImportBatch

PAGE_SIZE: Final = 50
# Within the database: only the page itself comes out of it.
OF_ONE_KIND: Final = """
SELECT line FROM plaid_link_importchunk c
CROSS JOIN LATERAL jsonb_array_elements(c.lines) WITH ORDINALITY l(line, place)
WHERE c.batch_id = %s AND line ->> 'state' = %s ORDER BY c.number, place OFFSET %s LIMIT %s
"""


class _Lines(Sequence[Any]):
    """What a paginator asks for: a length and slices."""

    def __init__(self, batch: ImportBatch, state: str) -> None:
        self.batch = batch
        self.state = state

    def __len__(self) -> int:
        return int(getattr(self.batch, f"{self.state}_rows") if self.state else self.batch.rows)

    def __getitem__(self, part: Any) -> Any:
        if self.state:
            return self._of_one_kind(part.start, part.stop - part.start)
        chunk = self.batch.chunks.filter(number=part.start // LINES_PER_CHUNK).first()
        at = part.start % LINES_PER_CHUNK
        return chunk.lines[at : at + part.stop - part.start] if chunk else []

    def _of_one_kind(self, start: int, count: int) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(OF_ONE_KIND, [self.batch.pk, self.state, start, count])
            rows = [row[0] for row in cursor.fetchall()]
        return [json.loads(row) if isinstance(row, str) else row for row in rows]


def page(batch: ImportBatch, *, state: str, number: str) -> Page[Any]:
    """A page of lines; `state` '' for all. A number that is none is the first, one too high the last."""
    return Paginator(_Lines(batch, state), PAGE_SIZE).get_page(number)
