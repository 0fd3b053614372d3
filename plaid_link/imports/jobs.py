"""Reading, storing and taking back as jobs: rows that tell how far they are and outlive any worker."""

import logging
from functools import partial
from typing import Any, Final

from celery import signature
from django.db import transaction

from plaid_link.imports import planning, storing
from plaid_link.imports.models import ImportBatch
from portfolio_site.lib import rls
from portfolio_site.models import Job

logger = logging.getLogger(__name__)

READ, STORE, UNDO = "import_read", "import_store", "import_undo"
KINDS: Final = (READ, STORE, UNDO)
RUN_TASK: Final = "plaid_link.run_import_job"
BROKEN: Final = "Something went wrong on our side. Nothing was stored; try again."
State = ImportBatch.State
# Where a batch goes back to when its work breaks off.
_BACK: Final = {READ: State.UNREADABLE, STORE: State.READY, UNDO: State.STORED}


def queue(batch: ImportBatch, kind: str) -> Job:
    """A job for the batch, given to a worker once the transaction has committed."""
    job = Job.objects.create(owner_id=batch.owner_id, kind=kind, result={"import": batch.pk})
    ImportBatch.objects.filter(pk=batch.pk).update(job_id=job.pk)
    batch.job_id = job.pk
    # Robust: when the broker is down the row is still there, and the sweep finds it.
    transaction.on_commit(lambda: enqueue(job), robust=True)
    return job


def enqueue(job: Job) -> None:
    """Hand the job to a worker; somebody looks at the screen meanwhile."""
    signature(RUN_TASK, args=[str(job.pk)], queue="high").apply_async(retry=False)


def run(job: Job) -> None:
    """Do it. Running a job twice does no harm; one that breaks leaves its batch as it was and says so."""
    with rls.tenant(job.owner_id):
        batch = ImportBatch.objects.select_related("account").filter(job_id=job.pk).first()
    if batch is None:
        job.fail("The file was thrown away.")
        return
    try:
        job.succeed({"import": batch.pk, **_STEPS[job.kind](job, batch)})
    except storing.NotStored as problem:
        _back(batch, State.REFUSED, str(problem), refusals=problem.findings, refused_rows=len(problem.findings))
        job.fail(str(problem))
    except Exception:
        logger.exception("import broke batch_id=%d", batch.pk)
        _back(batch, _BACK[job.kind], BROKEN)
        job.fail(BROKEN)


def _back(batch: ImportBatch, state: str, message: str, **values: Any) -> None:
    with rls.tenant(batch.owner_id):
        busy = [State.READING, State.STORING, State.UNDOING]
        ImportBatch.objects.filter(pk=batch.pk, state__in=busy).update(state=state, message=message, **values)


def _read(job: Job, batch: ImportBatch) -> dict[str, Any]:
    planning.plan(batch, report=partial(_advance, job))
    with rls.tenant(batch.owner_id):
        read = ImportBatch.objects.light().filter(pk=batch.pk).first()
    if read is None:
        return {}
    return {
        "state": read.state,
        "new": read.new_rows,
        "known": read.known_rows,
        "refused": read.refused_rows,
        "left_out": read.left_out_rows,
    }


def _store(job: Job, batch: ImportBatch) -> dict[str, Any]:
    _advance(job, f"Storing {batch.new_rows:,} transactions", 0.1)
    stored = storing.store(batch.pk, batch.owner_id)
    return {"stored": stored.stored_rows if stored else 0}


def _undo(job: Job, batch: ImportBatch) -> dict[str, Any]:
    _advance(job, f"Taking {batch.stored_rows:,} transactions back", 0.1)
    return {"taken_back": storing.undo(batch.pk, batch.owner_id)}


def _advance(job: Job, message: str, progress: float) -> None:
    with rls.tenant(job.owner_id):
        job.advance(progress, message)


_STEPS: Final = {READ: _read, STORE: _store, UNDO: _undo}
