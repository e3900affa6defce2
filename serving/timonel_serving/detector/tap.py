"""Who else is shown the rows that were read."""

from typing import Protocol

import pyarrow as pa


class Tap(Protocol):
    """Sees every batch once, in order, before it is folded."""

    def offer(self, batch: pa.Table) -> None:
        """Take the rows, or leave them; returns at once either way.

        The columns are those of `batch.ROLES`; the table is shared and never changed.
        """
