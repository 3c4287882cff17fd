"""What a package offers is read from its files, in a process of its own, and kept as a manifest."""

import asyncio
import json
from pathlib import Path

import pytest

from app.packages import adding
from app.packages.catalogue import UnreadablePackage, _Reader, read_package
from app.packages.errors import CannotInstall
from app.packages.install import Resolved
from app.packages.manifest import MAX_BYTES, MAX_FAMILY, InvalidManifest, Manifest, PackagedCredential, family_of

SAMPLE = Path(__file__).parent / "sample"


def read(folder: Path, seconds: float = 30.0) -> Manifest:
    return asyncio.run(read_package(folder, seconds=seconds))


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read(SAMPLE)


def test_nodes_are_read_with_their_versions_and_what_they_can_do(manifest):
    echo = manifest.node("n8n-nodes-sample.echo")
    assert echo is not None
    assert (echo.versions, echo.runs, echo.tool) == ((1.0, 2.0, 2.1), ("execute",), True)
    assert [each.versions for each in echo.descriptions] == [(1.0,), (2.0, 2.1)]
    assert echo.methods == {"loadOptions": ("getMarks",)}
    described = manifest.node("n8n-nodes-sample.described")
    assert described is not None
    assert described.runs == ("routing",)
    description = described.description(1)
    assert description is not None
    assert description["credentials"] == [{"name": "sampleApi", "required": True}]
    assert described.description(3) is None


def test_credentials_are_read_with_how_they_prove_themselves(manifest):
    credential = manifest.credential("sampleApi")
    assert credential is not None
    assert (credential.display_name, credential.pre_authentication) == ("Sample API", False)
    assert isinstance(credential.authenticate, dict)
    assert credential.authenticate["properties"] == {"headers": {"Authorization": "=Bearer {{$credentials.token}}"}}
    assert credential.test is not None
    assert credential.test["request"] == {"baseURL": "={{$credentials.url}}", "url": "/me"}
    assert [each["name"] for each in credential.properties] == ["url", "token"]


def test_what_cannot_be_loaded_is_named_and_hurts_nothing_else(manifest):
    assert {each.file: each.message.split("\n")[0] for each in manifest.broken} == {
        "nodes/Throws.node.js": "This file is out of order",
        "nodes/Missing.node.js": f"Cannot find module '{SAMPLE}/nodes/Missing.node.js'",
    }


def test_a_manifest_is_kept_as_json(manifest):
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert json.loads(manifest.to_json())["format"] == 1
    for wrong in (b"", b"[]", b'{"format": 2, "nodes": [], "credentials": [], "broken": []}', b"\xff"):
        with pytest.raises(InvalidManifest):
            Manifest.from_json(wrong)


@pytest.mark.slow
def test_a_file_that_holds_or_ends_its_process_is_named_too(tmp_path):
    files = {
        "Holds": "for (;;);",
        "Ends": "process.kill(process.pid)",
        "Dies": "const all = []; for (;;) all.push(new Array(1e6).fill(7));",
        "Needs": "require('torn')",
        "Fine": "exports.Fine = class { description = { name: 'fine', version: 1, properties: [] }; execute() {} };",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.node.js").write_text(text)
    torn = tmp_path / "node_modules" / "torn"
    torn.mkdir(parents=True)
    (torn / "index.js").write_text("\nvar")
    package = {"name": "n8n-nodes-bad", "n8n": {"nodes": [f"{name}.node.js" for name in files]}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    manifest = read(tmp_path, seconds=2)
    assert [each.type for each in manifest.nodes] == ["n8n-nodes-bad.fine"]
    messages = {each.file: each.message for each in manifest.broken}
    assert messages["Holds.node.js"] == "It did not load within 2 seconds"
    assert messages["Ends.node.js"] == "A node must not call process.kill()"
    assert messages["Needs.node.js"] == "Unexpected end of input (torn/index.js:2)"
    assert set(messages) == {"Holds.node.js", "Ends.node.js", "Dies.node.js", "Needs.node.js"}


def test_what_describes_too_much_is_refused_by_name_and_as_a_whole(tmp_path):
    described = (
        "exports.X = class {{ description = {{ name: '{0}', version: {1}, properties: {2} }}; execute() {{}} }};"
    )
    files = {
        "Fine": described.format("fine", "[1, 2]", "['x'.repeat(3e6)]"),
        "Values": described.format("values", "1", "Array(100_000).fill(0)"),
        "Bytes": described.format("bytes", "1", "['x'.repeat(2 ** 22)]"),
        "Versions": described.format("versions", "[...Array(1_001).keys()]", "[]"),
    }
    for name, text in files.items():
        (tmp_path / f"{name}.node.js").write_text(text.replace("exports.X", f"exports.{name}"))

    def offer(names: list[str]) -> Manifest:
        package = {"name": "n8n-nodes-large", "n8n": {"nodes": [f"{name}.node.js" for name in names]}}
        (tmp_path / "package.json").write_text(json.dumps(package))
        return read(tmp_path)

    manifest = offer(list(files))
    assert [each.type for each in manifest.nodes] == ["n8n-nodes-large.fine"]
    messages = {each.file.removesuffix(".node.js"): each.message for each in manifest.broken}
    assert messages.keys() == {"Values", "Bytes", "Versions"}
    assert messages["Values"] == "It describes more than 100,000 values, the most that one file may"
    assert "4,194,304 are allowed" in messages["Bytes"]
    assert messages["Versions"] == "It has 1,001 versions; 1,000 are allowed"
    with pytest.raises(UnreadablePackage, match="more than 25,165,824 bytes, the most that one package may"):
        offer(["Fine"] * 9)
    with pytest.raises(UnreadablePackage, match="5,001 files; 5,000 are allowed"):
        offer(["Missing"] * 5_001)
    with pytest.raises(InvalidManifest, match="25,165,824 are allowed"):
        Manifest.from_json(b" " * (MAX_BYTES + 1))


def test_a_package_json_is_read_as_npm_reads_it(tmp_path):
    described = {"name": "n8n-nodes-marked", "n8n": {"nodes": ["Fine.node.js"]}}
    fine = "exports.Fine = class { description = { name: 'fine', version: 1, properties: [] }; execute() {} };"
    (tmp_path / "Fine.node.js").write_text(fine)
    resolved = Resolved("n8n-nodes-marked", "1.0.0", "sha512-", "MIT", "{}")
    for text, said in (
        ("[]", "holds no object"),
        ('{"n8n": ', "cannot be read"),
        (f"\ufeff{json.dumps(described)}", ""),
    ):
        (tmp_path / "package.json").write_text(text)
        if said:
            with pytest.raises(CannotInstall, match=said):
                asyncio.run(adding.read(resolved, tmp_path))
        else:
            assert asyncio.run(adding.read(resolved, tmp_path)).node_types == ["n8n-nodes-marked.fine"]


def test_whatever_a_file_throws_hurts_no_other(tmp_path):
    thrown = {"Null": "null", "Trap": "{ get message() { throw this } }", "Odd": "Object.create(null)"}
    for name, what in thrown.items():
        (tmp_path / f"{name}.node.js").write_text(f"throw {what};")
    fine = "exports.Fine = class { description = { name: 'fine', version: 1, properties: [] }; execute() {} };"
    (tmp_path / "Fine.node.js").write_text(fine)
    package = {"name": "n8n-nodes-thrown", "n8n": {"nodes": [f"{name}.node.js" for name in (*thrown, "Fine")]}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    manifest = read(tmp_path)
    assert [each.type for each in manifest.nodes] == ["n8n-nodes-thrown.fine"]
    assert {each.message for each in manifest.broken} == {"It fails with an error that cannot be read"}
    assert len(manifest.broken) == len(thrown)


ODD = {
    "Names.node.js": "exports.Names = class { description = { name: 5 } };",
    "Json.node.js": """JSON.stringify = () => 'x'; JSON.parse = () => 5;
      exports.Json = class { description = { name: 'json' } };""",
    "Named.credentials.js": "exports.Named = class { name = 5 };",
    "Listed.credentials.js": "exports.Listed = class { name = 'listed'; properties = [null] };",
    "Kept.credentials.js": """exports.Kept = class {
      name = 'kept'; displayName = 7; extends = [5, null, 'oAuth2Api']; authenticate = 5; test = [1];
    };""",
}


def test_odd_descriptions_hurt_no_other(tmp_path):
    """Not even where a file changes what reads the others."""
    offered = {kind: [5, None, *(name for name in ODD if f".{kind[:4]}" in name)] for kind in ("nodes", "credentials")}
    (tmp_path / "package.json").write_text(json.dumps({"name": "n8n-nodes-odd", "n8n": offered}))
    for name, text in ODD.items():
        (tmp_path / name).write_text(text)
    manifest = asyncio.run(read_package(tmp_path))
    assert [node.type for node in manifest.nodes] == ["n8n-nodes-odd.json"]
    [kept] = manifest.credentials
    assert (kept.name, kept.display_name, kept.extends, kept.authenticate) == ("kept", "7", ("oAuth2Api",), None)
    assert {each.file: each.message for each in manifest.broken} == {
        "Names.node.js": "The class describes no node",
        "Named.credentials.js": "The class describes no credential",
        "Listed.credentials.js": "Its properties are no list of fields",
    }


def test_a_folder_that_is_no_package_is_refused(tmp_path):
    with pytest.raises(UnreadablePackage, match="no such file"):
        read(tmp_path)


def test_types_that_extend_themselves_and_each_other_are_followed_once():
    def made(name: str, *extends: str) -> PackagedCredential:
        return PackagedCredential(name, name, "file", name, extends)

    types = {each.name: each for each in (made("one", *["one", "two"] * 50), made("two", *["one", "three"] * 50))}
    types |= {f"n{number}": made(f"n{number}", f"n{number + 1}") for number in range(1_000)}
    assert [each.name for each in family_of(types["one"], types.get)] == ["one", "two"]
    assert len(family_of(types["n0"], types.get)) == MAX_FAMILY


@pytest.mark.parametrize("waiting", [True, False])
def test_time_that_others_have_the_processors_for_is_not_counted(waiting):
    class Process:
        looks = 0

        @property
        def waited_seconds(self) -> float:
            self.looks += 1
            if self.looks == 2:
                reader.frame_received(1, 8, b"A.node.js")
            return self.looks * 60.0 if waiting else 0.0

    async def hears() -> bool:
        return await reader._hears(0.02)

    reader = _Reader(Process())
    assert asyncio.run(hears()) is waiting
