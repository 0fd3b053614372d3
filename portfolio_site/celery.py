"""The Celery application. Workers and beat connect to PostgreSQL as the worker role."""

import os
import sys

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio_site.settings")
if sys.argv and os.path.basename(sys.argv[0]) in {"celery", "celery.exe"}:
    os.environ.setdefault("LONGVIEW_ROLE", "worker")

app = Celery("longview")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["plaid_link.webhooks"])
