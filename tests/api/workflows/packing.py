"""Packages of n8n's kind over the API: exported, and imported again."""

import io
from typing import Any

from tests.api.conftest import Api


def exported(api: Api, *ids: str) -> bytes:
    """The package of these workflows."""
    response = api.post("/n8n-packages/export", {"workflowIds": list(ids)})
    assert (response.status_code, response.content_type) == (200, "application/gzip")
    return response.data


def bring(api: Api, package: bytes | None, **form: str):
    """The answer to an import with these fields; None: without the file."""
    data: dict[str, Any] = dict(form)
    if package is not None:
        data["package"] = (io.BytesIO(package), "p.n8np")
    return api.call("POST", "/api/v1/n8n-packages/import", data=data, content_type="multipart/form-data")
