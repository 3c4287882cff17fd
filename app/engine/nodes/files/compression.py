"""Compression: packs files into ZIP, gzip and tar, and unpacks them. What comes out of an archive is bounded.

The archives are read and written beside the event loop, in pieces: a run that is stopped meanwhile ends the work.
"""

import gzip
import io
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from app.binary_files import file_bytes, file_entry, named_file
from app.engine.nodes.files.archive_headers import MAX_ENTRIES, BadHeader, TarEntry, entries_of_zip
from app.engine.nodes.shared.binary import entry, name_for
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import base64_size
from app.engine.run.registry import node
from app.engine.values import conversions

MAX_FILES = 1_000
MAX_BYTES = 128 * 2**20
"""What the files of one item may come to, unpacked."""
PIECE = 2**20
"""Bytes that are packed or unpacked by one call."""
MODE = 0o600
TAR_BYTES = MAX_BYTES + 2**26
"""Of an unpacked tar archive, with what stands between its files."""

FORMATS = "The Decompress operation supports the following formats: zip, gzip, tar, tar.gz and tgz"
MIME_TYPES = {
    "zip": "application/zip",
    "tar": "application/x-tar",
    "tar.gz": "application/gzip",
    "tgz": "application/gzip",
}
GZIP = "application/gzip"
GZIP_MARK = b"\x1f\x8b"

ISSUES = rules(
    Required("binaryPropertyName", "Input Binary Field(s)", "data"),
    Required("fileName", "File Name", when={"operation": ["compress"], "outputFormat": ["zip", "tar"]}),
    Required("binaryPropertyOutput", "Put Output File in Field", "data", when={"operation": ["compress"]}),
    defaults={"operation": "decompress", "outputFormat": "zip"},
)

File = tuple[str, bytes]
"""The path of a file and its bytes."""


class BadArchive(Exception):
    """The bytes are no archive of their kind, or come to too much; the message says which."""


class TooLarge(BadArchive):
    """What is packed comes to too much."""

    def __init__(self) -> None:
        super().__init__(f"The files come to more than {MAX_BYTES // 2**20} MiB when they are unpacked")


class TooManyFiles(BadArchive):
    """An archive holds more than is unpacked."""

    def __init__(self) -> None:
        super().__init__(f"The archive holds more than {MAX_FILES:,} files")


@node("compression", [1, 1.1], issues=ISSUES, plain=["operation"])
async def compression(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation", "decompress")
    others = {name: value for name, value in context.parameters.items() if name != "binaryPropertyName"}
    resolved = await context.resolve_each(others, exact=True)
    output: list[Item] = []
    for index, (item, parameters) in enumerate(zip(context.items, resolved, strict=True)):
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            # As in n8n, all items have the files that the parameter names for the first one.
            given = await context.resolve_first(context.parameters.get("binaryPropertyName", "data"))
            names = [name.strip() for name in str(given).split(",")]
            files = [entry(item, name, index) for name in names]
            make = _unpack_all if operation == "decompress" else _pack_all
            binary = await compute(make, names, files, parameters, context)
        except BadArchive as error:
            failure = NodeError(str(error))
        except NodeError as error:
            failure = error
        else:
            output.append({"json": item["json"], "binary": binary, "pairedItem": {"item": index}})
            continue
        output.append(failed_item(context, failure, index))
    return [output]


def _unpack_all(
    names: list[str], files: list[dict[str, Any]], parameters: dict[str, Any], context: NodeContext
) -> dict[str, Any]:
    prefix, room = conversions.to_string(parameters.get("outputPrefix", "file_")), UnpackBudget(context.hold)
    made: dict[str, Any] = {}
    for name, packed in zip(names, files, strict=True):
        for path, content in _unpack(name, packed, file_bytes(packed), room):
            made[f"{prefix}{len(made)}"] = named_file(content, path)
            context.release(len(content))
    return made


class UnpackBudget:
    """How much may still come out of the archives of one item."""

    def __init__(self, hold: Callable[[int], None]) -> None:
        self._files, self._bytes = MAX_FILES, MAX_BYTES
        self._hold = hold

    def take_file(self) -> None:
        """One more file. Raises BadArchive."""
        self._files -= 1
        if self._files < 0:
            raise TooManyFiles

    def read(self, stream: Any) -> bytes:
        """A stream to its end. Raises BadArchive or TooMuchData when that comes to too much."""
        made = io.BytesIO()
        while piece := stream.read(PIECE):
            self._bytes -= len(piece)
            if self._bytes < 0:
                raise TooLarge
            self._hold(len(piece) + base64_size(len(piece)))  # both are there while it becomes base64
            made.write(piece)
        return made.getvalue()


def _unpack(name: str, packed: dict[str, Any], content: bytes, room: UnpackBudget) -> Iterator[File]:
    file_name = str(packed.get("fileName") or "")
    extension = packed.get("fileExtension")
    if not extension:
        raise NodeError(f"File extension not found for binary data {name}")
    try:
        if extension == "zip":
            yield from _unzip(content, room)
        elif extension == "tar" or extension == "tgz" or file_name.endswith(".tar.gz"):
            yield from _untar(content, room)
        elif extension in ("gz", "gzip"):
            yield _gunzip(file_name, content, room)
        else:
            problem = f'Unsupported archive format ".{extension}" for binary data {name}'
            raise NodeError(problem, description=FORMATS)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise NodeError("invalid zip data", anonymous=True) from None
    except BadHeader as error:
        raise BadArchive(str(error)) from None
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        if extension in ("gz", "gzip"):
            raise NodeError("invalid gzip data", anonymous=True) from None
        raise BadArchive(f"The file is not readable as .{extension}") from None


def _unzip(content: bytes, room: UnpackBudget) -> Iterator[File]:
    if entries_of_zip(content) > MAX_ENTRIES:
        raise TooManyFiles
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                room.take_file()
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise NotImplementedError("Python unpacks these at one go, whatever comes of it")
                with archive.open(info) as stream:
                    yield info.filename, room.read(stream)


def _untar(content: bytes, room: UnpackBudget) -> Iterator[File]:
    stream: Any = io.BytesIO(content)
    if content.startswith(GZIP_MARK):
        stream = gzip.GzipFile(fileobj=stream)
    with tarfile.open(fileobj=_Bounded(stream), mode="r:", tarinfo=TarEntry) as archive:
        for place, info in enumerate(archive):
            if place >= MAX_ENTRIES:
                raise TooManyFiles
            member = archive.extractfile(info) if info.isfile() else None
            if member is not None:
                room.take_file()
                yield info.name, room.read(member)


class _Bounded(io.RawIOBase):
    """An unpacked tar archive up to the bytes that are read of one; its headers alone may spell a long text."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if size < 0 or self._stream.tell() + size > TAR_BYTES:
            raise TooLarge
        return self._stream.read(size)

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        if place > TAR_BYTES:
            raise TooLarge
        return self._stream.seek(place, whence)


def _gunzip(file_name: str, content: bytes, room: UnpackBudget) -> File:
    name = file_name.removesuffix(".gz").removesuffix(".gzip")
    if "." not in name:
        name += ".txt"
    room.take_file()
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        return name, room.read(stream)


def _pack_all(
    names: list[str], files: list[dict[str, Any]], parameters: dict[str, Any], context: NodeContext
) -> dict[str, Any]:
    version = context.version
    kind = str(parameters.get("outputFormat") or "zip")
    name = str(parameters.get("fileName") or "")
    field = name_for(parameters, "binaryPropertyOutput")
    if kind == "gzip":
        made = []
        for file in files:
            made.append(_gzip_file(file, name if len(files) == 1 else "", version))
            context.hold(len(made[-1]["data"]))
        if version < 1.1:
            prefix = name_for(parameters, "outputPrefix")
            return {f"{prefix}{place}": file for place, file in enumerate(made)}
        return {f"{field}{place or ''}": file for place, file in enumerate(made)}
    members = []
    for key, file in zip(names, files, strict=True):
        content = file_bytes(file)
        context.hold(base64_size(len(content)))
        members.append((str(file.get("fileName") or key), content))
    if kind not in MIME_TYPES:
        raise NodeError(f"The output format '{kind}' of Compression is not supported.")
    content = _zip(members) if kind == "zip" else _tar(members, "w" if kind == "tar" else "w:gz")
    made_file = file_entry(content, MIME_TYPES[kind], name)
    if "." not in name:
        made_file["fileExtension"] = kind
    return {field: made_file}


def _gzip_file(file: dict[str, Any], name: str, version: float) -> dict[str, Any]:
    original = str(file.get("fileName") or "file")
    made = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=made, mtime=0) as stream:
        for piece in _pieces(file_bytes(file)):
            stream.write(piece)
    content = made.getvalue()
    if version < 1.1:
        return file_entry(content, GZIP, f"{original.rpartition('.')[0] or original}.gzip")
    _, dot, extension = original.rpartition(".")
    stem = name.removesuffix(".gz") if name else original.removesuffix(f".{extension}") if dot else original
    suffix = f".{extension}" if dot and not stem.endswith(f".{extension}") else ""
    return file_entry(content, GZIP, f"{stem}{suffix}.gz")


def _zip(members: list[File]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in members:
            info = zipfile.ZipInfo(path, time.localtime()[:6])
            info.compress_type, info.external_attr, info.file_size = zipfile.ZIP_DEFLATED, MODE << 16, len(content)
            with archive.open(info, "w") as stream:
                for piece in _pieces(content):
                    stream.write(piece)
    return made.getvalue()


def _pieces(content: bytes) -> Iterator[memoryview]:
    """Bytes in pieces that one call of C packs: between two, whoever has stopped the run is heard."""
    return (memoryview(content)[begin : begin + PIECE] for begin in range(0, len(content), PIECE))


def _tar(members: list[File], mode: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for path, content in members:
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        end = archive.offset + 2 * tarfile.BLOCKSIZE
    if mode == "w":
        made.truncate(end)  # Python fills up to twenty blocks, as tapes had them; two empty ones end an archive.
    return made.getvalue()
