"""The Celery application. Workers and beat connect to PostgreSQL as the worker role."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio_site.settings")
if sys.argv and os.path.basename(sys.argv[0]) in {"celery", "celery.exe"}:
    os.environ.setdefault("LONGVIEW_ROLE", "worker")

app = Celery("longview")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["plaid_link.webhooks"])


@heartbeat_sent.connect
def show_life(**_kwargs: Any) -> None:
    """Every few seconds, from the worker's main process, also while its children are busy."""
    from portfolio_site.lib import heartbeat

    heartbeat.record("worker")
