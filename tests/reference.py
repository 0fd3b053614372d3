"""Published figures that lie beside the checkout; a test that needs them is skipped where they are not."""

import json
from typing import Any

import pytest
from django.conf import settings


def reference(name: str) -> dict[str, Any]:
    """The cases of one file of reference figures."""
    path = settings.REFERENCE_DATA / "refcases" / f"{name}.json"
    if not path.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    return dict(json.loads(path.read_text(), parse_float=str))
