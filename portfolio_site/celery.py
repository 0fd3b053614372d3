"""The Celery application. Workers and beat connect to PostgreSQL as the worker role."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import (
    beat_init,
    before_task_publish,
    heartbeat_sent,
    setup_logging,
    worker_init,
    worker_process_init,
)
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio_site.settings")
if sys.argv and os.path.basename(sys.argv[0]) in {"celery", "celery.exe"}:
    os.environ.setdefault("LONGVIEW_ROLE", "worker")

app = Celery("longview")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
app.autodiscover_tasks(["plaid_link.webhooks"])
app.autodiscover_tasks(["portfolio_site"], related_name="retention")
app.autodiscover_tasks(["portfolio_site"], related_name="privacy")


@setup_logging.connect
def log_as_the_web_does(**_kwargs: Any) -> None:
    """Nothing: Celery would bring handlers of its own, which neither redact nor say what a line is about."""


@worker_init.connect
def load(**_kwargs: Any) -> None:
    """Before the fork, once for all children: what is loaded late because other processes do without."""
    import plaid_link.sources.plaid.official  # noqa: F401


@worker_process_init.connect
def report(**_kwargs: Any) -> None:
    """From each child: threads that send do not survive a fork."""
    from portfolio_site.lib import telemetry

    telemetry.start("worker")


@beat_init.connect
def show_that_beat_lives(**_kwargs: Any) -> None:
    """With every task that beat sends, of which the most frequent comes each quarter of a minute."""

    def sent(**_kwargs: Any) -> None:
        from portfolio_site.lib import heartbeat

        heartbeat.record("beat")

    before_task_publish.connect(sent, weak=False)


@heartbeat_sent.connect
def show_life(**_kwargs: Any) -> None:
    """Every few seconds, from the worker's main process, also while its children are busy."""
    from portfolio_site.lib import heartbeat

    heartbeat.record("worker")
