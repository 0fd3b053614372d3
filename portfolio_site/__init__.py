"""The composition root: settings, URLs, processes, and the shared lower floor (`lib`, `models`)."""

from .celery import app as celery_app

__all__ = ["celery_app"]
