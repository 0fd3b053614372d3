"""Handing work to Celery from inside a transaction."""

from typing import Any

from celery import Task
from django.db import transaction


def send_on_commit(task: "Task[Any, Any]", *args: Any) -> None:
    """Queue the task when the transaction commits.

    A broker that is down is logged and nothing more: what is to be done is a row by then, and a sweep finds it.
    """

    def send() -> None:
        task.apply_async(args=args, retry=False)

    transaction.on_commit(send, robust=True)
