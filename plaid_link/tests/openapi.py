"""Plaid's OpenAPI as an oracle: is an answer what Plaid would send?"""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker


@functools.cache
def _document(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


class PlaidContract:
    """Validates bodies against the schemas of Plaid's document."""

    def __init__(self, reference: Path) -> None:
        path = reference / "plaid" / "openapi-investments.json"
        if not path.exists():
            pytest.skip("Plaid's OpenAPI is not there: set LONGVIEW_REFERENCE_DATA")
        self.document = _document(path)

    @property
    def paths(self) -> set[str]:
        return set(self.document["paths"])

    def errors(self, path: str, status: int, body: Any) -> list[str]:
        """Where and how `body` differs from what Plaid documents for an answer of `path`."""
        responses = self.document["paths"][path]["post"]["responses"]
        response = responses.get(str(status)) or responses["default"]
        return self._errors(response["content"]["application/json"]["schema"], body)

    def schema_errors(self, name: str, body: Any) -> list[str]:
        return self._errors({"$ref": f"#/components/schemas/{name}"}, body)

    def _errors(self, schema: dict[str, Any], body: Any) -> list[str]:
        whole = {**schema, "components": self.document["components"]}
        validator = OAS30Validator(whole, format_checker=oas30_format_checker)
        return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]
