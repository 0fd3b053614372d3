from collections.abc import Callable
from typing import Any

import pytest

from investments.models import Account
from plaid_link.imports import batches, jobs
from plaid_link.models import ImportBatch
from plaid_link.tests.imports.sample import sample

Send = Callable[..., ImportBatch]


def worked(batch: ImportBatch) -> ImportBatch:
    """The batch after a worker has done what waits for it."""
    from portfolio_site.models import Job

    jobs.run(Job.objects.get(pk=batch.job_id))
    batch.refresh_from_db()
    return batch


@pytest.fixture
def send(owner: Any) -> Send:
    """`send("schwab.csv")` or `send(data=...)`: the batch as it is once it was read."""

    def of(name: str = "", *, data: bytes = b"", account: Account | None = None, **options: Any) -> ImportBatch:
        batch, _ = batches.open_batch(
            owner_id=owner.pk,
            file_name=name or "table.csv",
            data=data or sample(name),
            account=account,
            new_account={"name": "My old broker"},
            **{"accept_symbols": True, **options},
        )
        return worked(batch)

    return of


@pytest.fixture
def store(send: Send) -> Send:
    """As `send`, and confirmed."""

    def of(name: str = "", **options: Any) -> ImportBatch:
        batch = send(name, **options)
        batches.confirm(batch)
        return worked(batch)

    return of
