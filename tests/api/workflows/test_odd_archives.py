"""Files that claim to be n8n's packages: what is none, and what others have written in their own way."""

import gzip
import io
import tarfile
from typing import Any

import orjson
import pytest

from app.schemas import archives
from tests.api.workflows.packing import bring

FILE = "workflows/x/workflow.json"


def tarred(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return made.getvalue()


def manifest(**changes: Any) -> bytes:
    entry = {"id": "x", "name": "x", "target": "workflows/x"}
    return orjson.dumps({"packageFormatVersion": "1", "workflows": [entry], **changes})


def header(kind: bytes, *, size: bytes = b"00000000000", claims: bytes = b"") -> bytes:
    """The first block of a file in a tar, with a right sum, whatever it claims."""
    block = bytearray(tarfile.TarInfo("manifest.json").tobuf(tarfile.GNU_FORMAT)[:512])
    block[124:135], block[156:157] = size, kind
    block[483 : 483 + len(claims)] = claims
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 256)
    return bytes(block)


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"junk",
        lambda: gzip.compress(b"junk"),
        lambda: gzip.compress(b"\0" * 2048),
        lambda: tarred({}),
        lambda: tarred({"manifest.json": b"{"}),
        lambda: tarred({"manifest.json": b"[]"}),
        lambda: tarred({"manifest.json": manifest(packageFormatVersion="2")}),
        lambda: tarred({"manifest.json": manifest()}),
        lambda: tarred({"manifest.json": manifest(workflows=[7])}),
        lambda: tarred({"manifest.json": manifest(), FILE: b"{}"}),
        lambda: tarred(
            {"manifest.json": manifest(), "workflows/x/workflow.json": b'{"name":"x","nodes":[7],"connections":{}}'}
        ),
        lambda: tarred(
            {"manifest.json": manifest(), "workflows/x/workflow.json": b'{"name":"x","nodes":[],"connections":{}}'}
        ),
        lambda: gzip.compress(b"\0" * (archives.MAX_BYTES + 1)),
        lambda: tarred({"manifest.json": manifest(requirements={"credentials": 5})}),
        lambda: tarred({"manifest.json": manifest(), FILE: b"[" + b"[]," * archives.MAX_VALUES + b"[]]"}),
        # a sparse file that claims eight gigabytes, one of less than nothing, attributes without an end
        lambda: gzip.compress(header(b"S", claims=b"77777777777") + bytes(1024)),
        lambda: gzip.compress(header(b"0", size=b"\xff" * 9 + b"\xfc\0") * 3 + bytes(1024)),
        lambda: gzip.compress(header(b"x", size=b"00000001000") + b"1" * 512 + bytes(1024)),
        lambda: gzip.compress(header(b"x", size=b"00000001000") + b"0 path=a\n" * 56 + bytes(1024)),
        lambda: gzip.compress(header(b"0", size=b"00000001000")),
    ],
    ids=range(21),
)
def test_what_is_no_package(api, make) -> None:
    assert bring(api, make(), workflowConflictPolicy="skip").status_code == 400
    assert api.get("/workflows").json["data"] == []


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_files_with_long_names_are_read_whoever_wrote_them(kind) -> None:
    made, name = io.BytesIO(), f"workflows/{'a' * 60}-{'b' * 60}/workflow.json"
    longer = f"{'é' * 150}/x.json"
    with tarfile.open(fileobj=made, mode="w:gz", format=kind) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for each in (name,) if kind == tarfile.USTAR_FORMAT else (name, longer):
            entry = tarfile.TarInfo(each)
            entry.size = 2
            archive.addfile(entry, io.BytesIO(b"{}"))
    expected = [name] if kind == tarfile.USTAR_FORMAT else [name, longer]
    assert list(archives.read_files(made.getvalue())) == expected
