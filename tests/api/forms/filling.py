"""What the tests of forms send, and forms to send it to."""

import re
import uuid
from typing import Any

from tests.api.webhooks.conftest import Said, Site
from tests.workflows import Json, node

BOUNDARY = "a-boundary"
PAGE = "text/html,*/*"
File = tuple[str, str, bytes]


def multipart(*fields: tuple[str, str | File]) -> tuple[bytes, dict[str, str]]:
    """A body and its headers."""
    body = b""
    for name, value in fields:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, str):
            body += f"{head}\r\n\r\n{value}\r\n".encode()
        else:
            body += f'{head}; filename="{value[0]}"\r\nContent-Type: {value[1]}\r\n\r\n'.encode() + value[2] + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode(), {"Content_Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form_trigger(*fields: Json, version: float = 2.5, path: str | None = None, **parameters: Any) -> Json:
    """A Form Trigger at a path of its own."""
    path = path or f"f-{uuid.uuid4().hex[:8]}"
    options = parameters.pop("options", {})
    given = {"formTitle": "A form", "formFields": {"values": list(fields)}, **parameters}
    given |= {"path": path, "options": options} if version < 2.2 else {"options": {"path": path, **options}}
    return node("Form", "formTrigger", given, version, webhookId=str(uuid.uuid4()))


def page(*fields: Json, name: str = "Page", **parameters: Any) -> Json:
    """A Form node."""
    given = {"formFields": {"values": list(fields)}, "options": {}, **parameters}
    return node(name, "form", given, 2.5, webhookId=str(uuid.uuid4()))


def publish(site: Site, trigger: Json, *nodes: Json, **settings: Any) -> tuple[str, str]:
    """The id of an active workflow, and the path of its form."""
    workflow_id = site.save([trigger, *nodes], **settings)
    answer = site.activate(workflow_id)
    assert answer.status == 200, answer.body
    parameters = trigger["parameters"]
    return workflow_id, parameters.get("path") or parameters["options"]["path"]


def send(site: Site, path: str, *fields: tuple[str, str | File], base: str = "/form/", **headers: str) -> Said:
    body, kind = multipart(*fields)
    return site.call("POST", path, body, base=base, **kind, **headers)


def shown(said: Said) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", said.content.decode(), flags=re.S)).strip()
