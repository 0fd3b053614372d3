"""What a web process does once, before its first request."""

import gc

from django.urls import get_resolver


def warm_up() -> None:
    """Import every view, and keep what is imported out of each later garbage collection.

    Else the first request pays half a second of imports, and every full collection walks the modules again: a pause of
    more than 100 ms in which nothing is answered.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
