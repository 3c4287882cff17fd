"""Compression: what is packed comes out again, and no archive comes to more than there is room for."""

import asyncio
import base64
import gzip
import tarfile
import threading
import time
from types import SimpleNamespace

import pytest

from app.engine.nodes.files import archive_headers, compression
from tests.archives import zipped
from tests.engine.running import output_of
from tests.patience import PATIENCE_SECONDS
from tests.workflows import START, chain, node


def packed(content: bytes, name: str, mime_type: str = "application/zip"):
    extension = name.rpartition(".")[2]
    file = {"data": base64.b64encode(content).decode(), "mimeType": mime_type, "fileName": name}
    return [{"json": {"kept": 1}, "binary": {"data": {**file, "fileExtension": extension}}}]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "gzip"])
def test_what_is_packed_comes_out_again(engine, kind):
    pack = {"operation": "compress", "outputFormat": kind, "fileName": f"all.{kind}"}
    document = chain(START, node("Pack", "compression", pack, 1.1), node("Unpack", "compression", {}, 1.1))
    outcome = engine.run(document, items=packed("grüße".encode(), "a.txt", "text/plain"))
    assert outcome.status == "success", outcome.error
    assert output_of(outcome, "Unpack") == [{"kept": 1}]
    (item,) = outcome.data["resultData"]["runData"]["Unpack"][0]["data"]["main"][0]
    (file,) = item["binary"].values()
    assert base64.b64decode(file["data"]).decode() == "grüße"


def with_header(kind: bytes, header: bytes) -> bytes:
    """A tar archive of one empty file behind this further header."""
    further = tarfile.TarInfo("further")
    further.type, further.size = kind, len(header)
    filled = header + bytes(-len(header) % tarfile.BLOCKSIZE)
    return further.tobuf() + filled + tarfile.TarInfo("a.txt").tobuf() + bytes(2 * tarfile.BLOCKSIZE)


def test_a_tar_with_long_names_is_unpacked(engine):
    name = f"{'f' * 200}/{'1' * 200}.txt"
    record = f" path={name}\n"
    items = packed(with_header(tarfile.XHDTYPE, f"{len(record) + 3}{record}".encode()), "all.tar")
    outcome = engine.run(chain(START, node("Unpack", "compression", {}, 1.1)), items=items)
    (item,) = outcome.data["resultData"]["runData"]["Unpack"][0]["data"]["main"][0]
    assert [f"{file['directory']}/{file['fileName']}" for file in item["binary"].values()] == [name]


def folder(name: str) -> bytes:
    """The header of a folder in a tar archive, which counts as no file."""
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE
    return entry.tobuf()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (with_header(tarfile.XHDTYPE, b"1" * 2_000), "digits.tar", "a header of more than"),
        (with_header(tarfile.XGLTYPE, b"x 1 hdrcharset" + b"1" * 2_000), "digits.tar", "a header of more than"),
        (with_header(tarfile.GNUTYPE_LONGNAME, bytes(2**17 + 1)), "name.tar", "a header of more than"),
        (zipped({"a": b"0" * 5_000}), "bomb.zip", "come to more than"),
        (gzip.compress(b"0" * 5_000), "bomb.gz", "come to more than"),
        (zipped({str(number): b"" for number in range(6)}), "many.zip", "more than 5 files"),
        (zipped({f"{number}/": b"" for number in range(8)}), "folders.zip", "more than 5 files"),
        (b"".join(folder(f"{number}/") for number in range(8)), "folders.tar", "more than 5 files"),
        (b"PK\x03\x04 broken", "bad.zip", "invalid zip data"),
        (b"broken", "bad.gz", "invalid gzip data"),
        (b"broken", "bad.tgz", "not readable"),
    ],
)
def test_what_comes_to_too_much_or_is_broken_is_a_sentence(engine, monkeypatch, content, name, said):
    monkeypatch.setattr(compression, "MAX_BYTES", 4_000)
    monkeypatch.setattr(compression, "MAX_FILES", 5)
    monkeypatch.setattr(compression, "MAX_ENTRIES", 7)
    outcome = engine.run(chain(START, node("Unpack", "compression", {}, 1.1)), items=packed(content, name))
    assert (outcome.status, said in outcome.error.message) == ("error", True), outcome.error


def test_a_header_of_many_numbers_takes_no_longer_than_one_of_letters():
    def seconds(piece):
        header = (piece * 2**17)[: 2**17 - 1]

        def once():
            began = time.process_time()
            assert archive_headers._MANY_DIGITS.search(header) is None
            return time.process_time() - began

        return min(once() for _ in range(3))

    assert seconds(b"9" * 299 + b"x") < 8 * seconds(b"x")


@pytest.mark.parametrize(("operation", "work"), [("decompress", "_unpack_all"), ("compress", "_pack_all")])
def test_what_is_stopped_unpacks_no_further(monkeypatch, operation, work):
    begun, ended = threading.Event(), threading.Event()

    def go_on(*_: object) -> None:
        begun.set()
        try:
            while True:
                gzip.compress(b"0")
        finally:
            ended.set()

    async def resolve(parameter: object, exact: bool = False) -> object:
        return [parameter] if isinstance(parameter, dict) else parameter

    async def stop() -> None:
        context = SimpleNamespace(
            parameters={"operation": operation}, items=packed(b"", "a.zip"), resolve_each=resolve, resolve_first=resolve
        )
        task = asyncio.ensure_future(compression.compression(context))
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
        task.cancel()
        await asyncio.wait([task])
        assert await asyncio.to_thread(ended.wait, PATIENCE_SECONDS)

    monkeypatch.setattr(compression, work, go_on)
    asyncio.run(stop())


@pytest.mark.parametrize("kind", ["zip", "gzip", "tar.gz"])
def test_a_file_of_many_pieces_comes_out_again(engine, monkeypatch, kind):
    monkeypatch.setattr(compression, "PIECE", 7)
    pack = {"operation": "compress", "outputFormat": kind, "fileName": f"all.{kind}"}
    document = chain(START, node("Pack", "compression", pack, 1.1), node("Unpack", "compression", {}, 1.1))
    outcome = engine.run(document, items=packed(bytes(range(256)), "a.bin"))
    (item,) = outcome.data["resultData"]["runData"]["Unpack"][0]["data"]["main"][0]
    assert [base64.b64decode(file["data"]) for file in item["binary"].values()] == [bytes(range(256))]
