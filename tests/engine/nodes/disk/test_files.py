"""Read/Write Files from Disk: what it reads and writes in its folder, and nothing outside of it."""

import os
from pathlib import Path
from typing import Any

import pytest

from app.engine.nodes.disk import folder
from app.engine.run.ports import Ports
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, code, node

FILE = code(
    "return [{json: {k: 1}, binary: {data: {data: btoa('hello'), mimeType: 'text/plain', fileName: 'in.txt'}}}]"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    made = tmp_path / "project"
    (made / "sub").mkdir(parents=True)
    for name in ("a.txt", "b.json", "a(1).txt", ".hidden.txt", "sub/c.txt"):
        (made / name).write_text(name)
    return made


def run(engine: Engine, root: Path | None, kind: str, parameters: dict[str, Any], **settings: Any) -> Any:
    disk = node("Disk", kind, parameters, 1.1 if kind == "readWriteFile" else 1, **settings)
    return engine.run(chain(START, FILE, disk), ports=Ports(files=root))


def read(engine: Engine, root: Path, selector: str, **options: Any) -> Any:
    return run(engine, root, "readWriteFile", {"fileSelector": selector, "options": options})


def write(engine: Engine, root: Path, name: str, **options: Any) -> Any:
    parameters = {"operation": "write", "fileName": name, "dataPropertyName": "data", "options": options}
    return run(engine, root, "readWriteFile", parameters)


def test_a_file_is_read_as_n8n_reads_it(engine: Engine, root: Path) -> None:
    [item] = read(engine, root, str(root / "a.txt")).data["resultData"]["runData"]["Disk"][0]["data"]["main"][0]
    told = {"mimeType": "text/plain", "fileType": "text", "fileName": "a.txt", "fileExtension": "txt"}
    assert item["json"] == {**told, "fileSize": "5 B"}
    data = {**told, "fileSize": "5 B", "bytes": 5, "directory": os.path.realpath(root), "data": "YS50eHQ="}
    assert item["binary"] == {"data": data}
    assert item["pairedItem"] == {"item": 0}


def test_what_is_said_of_a_file_can_be_set(engine: Engine, root: Path) -> None:
    options = {"fileName": "z.csv", "mimeType": "text/csv", "fileExtension": "q", "dataPropertyName": "out"}
    [item] = read(engine, root, "a.txt", **options).data["resultData"]["runData"]["Disk"][0]["data"]["main"][0]
    file = item["binary"]["out"]
    assert (file["fileName"], file["mimeType"], file["fileExtension"]) == ("z.csv", "text/csv", "q")


@pytest.mark.parametrize(
    ("selector", "options", "names"),
    [
        ("*.txt", {}, ["a(1).txt", "a.txt"]),
        ("**", {}, ["a(1).txt", "a.txt", "b.json", "c.txt"]),
        ("**/*.txt", {}, ["a(1).txt", "a.txt", "c.txt"]),
        ("sub/*", {}, ["c.txt"]),
        ("{a,b}.*", {}, ["a.txt", "b.json"]),
        ("a(1).txt", {}, ["a(1).txt"]),
        ("[ab].*", {"literalBrackets": False}, ["a.txt", "b.json"]),
        (".hid*", {}, [".hidden.txt"]),
        ("?.json", {}, ["b.json"]),
    ],
)
def test_a_pattern_means_several(
    engine: Engine, root: Path, selector: str, options: dict[str, Any], names: list[str]
) -> None:
    for given in (selector, f"{root}/{selector}"):
        assert [json["fileName"] for json in output_of(read(engine, root, given, **options), "Disk")] == names


@pytest.mark.parametrize("selector", ["nope.txt", "nope*", "sub", "[ab].*"])
def test_what_is_not_there_is_said(engine: Engine, root: Path, selector: str) -> None:
    outcome = read(engine, root, selector)
    assert outcome.error.message == "No file(s) found"


def test_files_are_written_added_to_and_replaced(engine: Engine, root: Path) -> None:
    assert output_of(write(engine, root, "new.txt"), "Disk") == [{"k": 1, "fileName": "new.txt"}]
    write(engine, root, str(root / "new.txt"), append=True)
    assert (root / "new.txt").read_text() == "hellohello"
    write(engine, root, "new.txt")
    assert (root / "new.txt").read_text() == "hello"
    assert sorted(os.listdir(root)) == [".hidden.txt", "a(1).txt", "a.txt", "b.json", "new.txt", "sub"]


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "link.txt", "out/x.txt", "", ".", "a\0b"])
def test_nothing_outside_of_the_folder_is_reached(engine: Engine, root: Path, name: str) -> None:
    (root / "link.txt").symlink_to(root.parent / "secret.txt")
    (root / "out").symlink_to(root.parent)
    for outcome in (read(engine, root, name), write(engine, root, name)):
        assert outcome.status == "error"
        assert outcome.error.message.startswith(("Access to the file is not allowed.", "The 'Disk' node has issues"))
    for pattern in ("../*", "/etc/host*", "**/../../*"):
        assert read(engine, root, pattern).error.message == "Access to the file is not allowed."
    assert output_of(read(engine, root, "**"), "Disk")[-1]["fileName"] == "c.txt"
    assert (root.parent / "secret.txt").read_text() == "secret"
    assert sorted(os.listdir(root.parent)) == ["project", "secret.txt"]


def test_what_is_no_file_or_too_much_is_refused(engine: Engine, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(root / "pipe")
    assert read(engine, root, "pipe").error.message == "No file(s) found"
    assert write(engine, root, "nowhere/x.txt").error.message == "The file or directory does not exist"
    assert write(engine, root, "sub").error.message.startswith("The file path was expected")
    monkeypatch.setattr(folder, "MAX_BYTES", 8)
    assert write(engine, root, "a.txt").status == "success"
    assert write(engine, root, "a.txt", append=True).error.message.startswith("'a.txt' would be larger than 8 bytes")
    assert (root / "a.txt").read_text() == "hello"
    assert read(engine, root, ".hidden.txt").error.message.startswith("'.hidden.txt' is larger than 8 bytes")
    monkeypatch.setattr(folder, "MAX_ENTRIES", 3)
    assert read(engine, root, "*").error.message.startswith("The folder has more than 3 files")


def test_a_pattern_made_to_take_long_does_not(engine: Engine, root: Path) -> None:
    (root / ("a" * 200)).write_text("x")
    assert read(engine, root, "*a" * 100 + "b").error.message == "No file(s) found"
    assert read(engine, root, "**/" * 500 + "b").error.message == "No file(s) found"
    assert read(engine, root, "{" + "," * 300_000).error.message == "Access to the file is not allowed."
    assert read(engine, root, "{x}{a,b}").error.message == "No file(s) found"
    assert read(engine, root, "{a,b}" * 20).error.message.endswith("stands for more than 100 patterns")


def test_the_nodes_before_it_do_the_same(engine: Engine, root: Path) -> None:
    one = run(engine, root, "readBinaryFile", {"filePath": "a.txt", "dataPropertyName": "file"})
    [item] = one.data["resultData"]["runData"]["Disk"][0]["data"]["main"][0]
    assert (item["json"], sorted(item["binary"])) == ({"k": 1}, ["data", "file"])
    many = run(engine, root, "readBinaryFiles", {"fileSelector": "*.json"})
    [item] = many.data["resultData"]["runData"]["Disk"][0]["data"]["main"][0]
    assert item["binary"]["data"]["fileName"] == "b.json"
    run(engine, root, "writeBinaryFile", {"fileName": "new.bin", "dataPropertyName": "data"})
    assert (root / "new.bin").read_text() == "hello"


def test_without_a_folder_there_are_no_files(engine: Engine) -> None:
    outcome = run(engine, None, "readWriteFile", {"fileSelector": "a.txt"})
    assert outcome.error.message == "This server keeps no files for workflows"
