"""Small files for the nodes that read some, by the operation of Extract From File."""

import base64
import json
from typing import Any

from tests.templates.building import node
from tests.templates.data import XML

Json = dict[str, Any]
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\n"
    "DTSTAMP:20240305T143000Z\r\nDTSTART:20240305T143000Z\r\nDTEND:20240305T153000Z\r\nSUMMARY:One\\, two\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
TABLE = "<html><body><table><tr><th>id</th><th>name</th></tr><tr><td>1</td><td>Ada</td></tr></table></body></html>"
RICH_TEXT = r"{\rtf1\ansi{\trowd\cellx1000\cellx2000 a\cell b\cell\row}}"
FILES: dict[str, tuple[str, str, bytes]] = {
    "csv": ("data.csv", "text/csv", b'id,name,price\n1,"Ada, L.",12.50\n2,Bob,\n3,"Z ""q""",7\n'),
    "html": ("t.html", "text/html", TABLE.encode()),
    "fromJson": ("d.json", "application/json", json.dumps({"a": 1, "b": [{"c": "x"}], "t": "ü"}).encode()),
    "text": ("t.txt", "text/plain", "Zeile 1\nZële 2\r\n\ttab".encode()),
    "xml": ("t.xml", "application/xml", XML.encode()),
    "binaryToPropery": ("a.bin", "application/octet-stream", bytes(range(256))),
    "fromIcs": ("c.ics", "text/calendar", CALENDAR.encode()),
    "rtf": ("t.rtf", "application/rtf", RICH_TEXT.encode()),
}
UNMADE = frozenset({"pdf", "xlsx", "xls", "ods"})
"""What is compared by recorded cases with real files, and not here."""


def file_for(operation: Any) -> tuple[str, str, bytes]:
    """Name, type and content of a file that the operation can read."""
    return FILES.get(operation if isinstance(operation, str) else "csv", FILES["text"])


def giving_file(name: str, item: Json, operation: Any, binary: str = "data", **more: Any) -> Json:
    """A node that puts out, for each of its items, this one with such a file."""
    file_name, type_name, content = file_for(operation)
    made = {
        "data": base64.b64encode(content).decode(),
        "mimeType": type_name,
        "fileName": file_name,
        "fileExtension": file_name.rsplit(".", 1)[-1],
    }
    given = f"json: {json.dumps(item)}, binary: {json.dumps({binary: made})}"
    program = f"return $input.all().map((item, place) => ({{{given}, pairedItem: {{item: place}}}}));"
    return node(name, "code", {"jsCode": program}, 2, **more)
