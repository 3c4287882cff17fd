"""`flask packages`: as a person uses it, against a registry on this machine."""

import asyncio
import json
import re
import socket
from collections.abc import Callable
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.package_commands import packages
from app.packages import install, npm, registry_reach
from app.packages.addresses import OPTION, STANDING
from app.packages.errors import CannotInstall, NotWritten, RegistryUnreachable
from app.packages.npm import run_npm
from app.packages.npm_environment import RETRIES, with_retries
from app.packages.store import Store
from app.repository import node_packages
from app.repository.workflows import create_workflow, set_active
from app.schemas.workflows import definition_of
from tests.packages.registry import Registry
from tests.packages.running import SAMPLE
from tests.workflows import START, chain, node

pytestmark = pytest.mark.slow

ACTIVE = chain(START, node("Greet", "n8n-nodes-greet.greet"))


@pytest.fixture
def run(database_url, tmp_path, monkeypatch) -> Callable[..., Result]:
    """Runs a command, in this process."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("EXECUTIONS_HOME", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(packages, arguments)


def listed(connection) -> dict[str, str]:
    connection.rollback()
    return {each.name: each.version for each in node_packages.list_packages(connection)}


def test_a_package_is_added_updated_and_removed(registry: Registry, run, connection, tmp_path, monkeypatch):
    registry.publish("left-pad", "1.2.0", {"index.js": "exports.pad = 1;"})
    registry.publish("beside", "3.0.0", {"index.js": ""})
    peers = {"n8n-workflow": "*", "beside": ">=2"}
    registry.publish_greet(dependencies={"left-pad": "^1.0.0"}, peerDependencies=peers)
    added = run("add", "n8n-nodes-greet")
    assert (added.exit_code, added.stdout.splitlines()[:3]) == (
        0,
        ["Added n8n-nodes-greet@1.0.0", "Nodes: n8n-nodes-greet.greet", "Credentials: greetApi"],
    ), added.stderr
    assert "n8n-nodes-greet@1.0.0, licence: MIT" in added.stderr
    assert re.findall("npm has .*", added.stderr) == [f"npm has {number} of 3 packages" for number in (1, 2, 3)]
    assert "Next: " in added.stdout
    [package] = node_packages.list_packages(connection)
    assert (package.author_name, package.author_email) == ("Ada", "ada@example.com")
    assert package.node_types == ["n8n-nodes-greet.greet", "n8n-nodes-greet.greetTool"]
    [lock] = node_packages.read_locks(connection, [package.name])
    store = Store(tmp_path)
    assert store.has("n8n-nodes-greet", "1.0.0", lock.lock)
    assert registry.url not in lock.lock
    assert (store.folder(package.name, package.version) / "node_modules" / "beside" / "index.js").exists()
    assert "/n8n-workflow" not in registry.asked, "what it wants beside it is this program"
    fetched = registry.asked_by["ci"]
    assert "/left-pad/-/left-pad-1.2.0.tgz" in fetched
    assert "/left-pad" not in fetched, "where its file is needs no question"

    create_workflow(connection, "w1", project_id="default", name="Greeter", definition=definition_of(ACTIVE))
    set_active(connection, "w1", True)
    connection.commit()
    refused = run("remove", "n8n-nodes-greet")
    assert refused.exit_code == 1
    assert "Greeter (w1). Deactivate them first" in refused.stderr

    registry.publish_greet("2.0.0")
    monkeypatch.setitem(RETRIES, "npm_config_fetch_retry_mintimeout", "1")
    registry.resets = 3
    assert run("update").stdout == "n8n-nodes-greet 1.0.0 -> 2.0.0\n"
    assert run("list").stdout == "n8n-nodes-greet\t2.0.0\tMIT\t1 node\n"
    assert store.installed() == [("n8n-nodes-greet", "1.0.0"), ("n8n-nodes-greet", "2.0.0")]
    store.drop("n8n-nodes-greet", "2.0.0")
    registry.asked.clear()
    assert run("sync").stdout == "n8n-nodes-greet@2.0.0 is installed\n"
    assert registry.asked == [], "npm's cache has it"
    assert run("remove", "n8n-nodes-greet", "--force").exit_code == 0
    assert listed(connection) == {}


def test_what_cannot_be_added_is_said_and_leaves_nothing(registry: Registry, run, connection, tmp_path):
    registry.publish("is-odd")
    registry.publish_greet()
    registry.publish("n8n-workflow", license="SEE LICENSE IN LICENSE.md")
    registry.publish_greet(name="n8n-nodes-of-n8n", dependencies={"n8n-workflow": "1.0.0"})
    registry.publish(
        "n8n-nodes-broken", files={"A.node.js": "throw new Error('out of order')"}, n8n={"nodes": ["A.node.js"]}
    )
    key, compiled = "SampleApi.credentials.js", "require(`${__dirname}/build/Release/fast.node`)"
    files = {key: (SAMPLE / "credentials" / key).read_text(), "A.node.js": compiled}
    registry.publish("n8n-nodes-compiled", files=files, n8n={"nodes": ["A.node.js"], "credentials": [key]})
    for package, reason in {
        "n8n-nodes-nosuch": "no package n8n-nodes-nosuch",
        "n8n-nodes-greet@9.9.9": "There is no version n8n-nodes-greet@9.9.9: `npm view n8n-nodes-greet versions`",
        "is-odd": "is-odd@1.0.0 is no package of nodes",
        "n8n-nodes-of-n8n": "comes with packages that are under n8n's Sustainable Use License",
        "n8n-nodes-broken": "A.node.js: out of order. Another version may work",
        "n8n-nodes-compiled": "an install script would have built or downloaded: such scripts never run here",
        "../evil": "is not the name of an npm package",
        "n8n-nodes-greet@file:/etc": "is not a version of a package",
    }.items():
        refused = run("add", package)
        assert refused.exit_code == 1, refused.stdout
        assert reason in refused.stderr
        assert "Traceback" not in refused.stderr
    assert listed(connection) == {}
    accepted = run("add", "n8n-nodes-of-n8n", "--accept-license")
    assert accepted.exit_code == 0, accepted.stderr
    assert list(tmp_path.glob("packages/.new-*")) == []
    assert list(Store(tmp_path).installed()) == [("n8n-nodes-of-n8n", "1.0.0")]


def test_what_is_added_again_is_not_installed_again(registry: Registry, run, tmp_path):
    registry.publish_greet()
    assert run("add", "n8n-nodes-greet").exit_code == 0
    put = (tmp_path / "packages" / "n8n-nodes-greet@1.0.0").stat().st_ino
    again = run("add", "n8n-nodes-greet")
    assert again.stdout.startswith("Already added: n8n-nodes-greet@1.0.0"), again.stderr
    assert (tmp_path / "packages" / "n8n-nodes-greet@1.0.0").stat().st_ino == put


def test_a_file_that_does_not_fit_on_the_disk_fails_the_whole(tmp_path, monkeypatch):
    """npm warns of it, and ends as if all were well."""
    (played := tmp_path / "npm.js").write_text("console.error('npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left')")
    monkeypatch.setattr(npm, "NPM", played)
    with pytest.raises(NotWritten, match=r"write all files of left-pad@1\.0\.0 \(ENOSPC: no space left\): make room"):
        asyncio.run(npm.run_npm([], tmp_path, "left-pad@1.0.0", 60, lambda _: None, lambda _: None))


def test_that_npm_was_killed_is_said(tmp_path, monkeypatch):
    killed = tmp_path / "npm.js"
    killed.write_text("process.kill(process.pid, 'SIGKILL')")
    monkeypatch.setattr(npm, "NPM", killed)
    with pytest.raises(CannotInstall, match="was ended by SIGKILL while it worked at left-pad@"):
        asyncio.run(npm.run_npm([], tmp_path, "left-pad@1.0.0", 60, lambda _: None, lambda _: None))


def test_a_version_that_only_what_npm_has_kept_does_not_know_may_exist(tmp_path, monkeypatch):
    address, played = "http://127.0.0.1:9/left-pad", tmp_path / "npm.js"
    lines = f"{address} attempt 1 failed with ECONNREFUSED", f"200 {address} 39ms (cache stale)"
    said = json.dumps({"error": {"code": "ETARGET", "summary": "No matching version found for left-pad@9.0.0."}})
    played.write_text(
        "".join(f"console.error('npm http fetch GET {each}');" for each in lines)
        + f"console.log('{said}'); process.exitCode = 1"
    )
    monkeypatch.setattr(npm, "NPM", played)
    with pytest.raises(RegistryUnreachable, match=r"left-pad@9\.0\.0: 127\.0\.0\.1:9 cannot be reached"):
        asyncio.run(npm.run_npm([], tmp_path, "left-pad@9.0.0", 60, lambda _: None, lambda _: None))


def test_the_licence_of_n8n_is_asked_for_before_anything_else_is_fetched(registry: Registry, run, connection):
    registry.publish("left-pad")
    for name, licence in {"@n8n/nodes-own": "SEE LICENSE IN LICENSE.md", "@n8n/nodes-open": "MIT"}.items():
        registry.publish_greet(name=name, license=licence, dependencies={"left-pad": "1.0.0"})
    refused = run("add", "@n8n/nodes-own")
    assert refused.exit_code == 1
    assert "@n8n/nodes-own is under n8n's Sustainable Use License" in refused.stderr
    assert registry.asked == ["/@n8n/nodes-own"]
    assert run("add", "@n8n/nodes-open").exit_code == 0
    assert run("add", "@n8n/nodes-own", "--accept-license").exit_code == 0
    assert list(listed(connection)) == ["@n8n/nodes-open", "@n8n/nodes-own"]


def test_files_come_from_wherever_registries_have_them(monkeypatch, tmp_path):
    """npm itself says which scopes have a registry of their own; what it fetches is played here."""
    (tmp_path / "npmrc").write_text("@example:registry=http://127.0.0.1:9\n")
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))
    name, elsewhere = "@acme/n8n-nodes-greet", "@example/beside"
    entries = {f"node_modules/{each}": {"version": "1.0.0", "integrity": "sha512-A"} for each in (name, elsewhere)}
    resolved = install.Resolved(name, "1.0.0", "sha512-A", "MIT", json.dumps({"packages": {"": {}, **entries}}))
    fetched: list[tuple[bool, dict[str, str]]] = []

    async def npm(command: list[str], folder: Path, *rest: Any, **options: Any) -> bytes:
        if command[0] != "ci":
            return await run_npm(command, folder, *rest, **options)
        listed = json.loads((folder / "package-lock.json").read_text())["packages"]
        places = {each.removeprefix("node_modules/"): entry.get("resolved", "") for each, entry in listed.items()}
        fetched.append((OPTION in command, {each: place for each, place in places.items() if place}))
        if len(fetched) == 1:
            raise CannotInstall("npm cannot install it: 404")
        (package := folder / "node_modules" / name).mkdir(parents=True)
        (package / "package.json").touch()
        return b""

    monkeypatch.setattr(install, "run_npm", npm)
    asyncio.run(install.fetch(resolved, tmp_path, tell=lambda _: None))
    usual = {name: f"https://{STANDING}/{name}/-/n8n-nodes-greet-1.0.0.tgz"}
    assert fetched == [(True, usual), (False, {})], "a registry learns nothing of what another one has"
    assert (tmp_path / "package-lock.json").read_text() == resolved.lock


def test_a_registry_that_cannot_be_reached_is_said(run, monkeypatch, tmp_path):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_fetch_retries", "1")
    monkeypatch.setenv("npm_config_fetch_retry_mintimeout", "1")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    refused = run("add", "n8n-nodes-greet")
    assert refused.exit_code == 1
    assert "127.0.0.1:9 cannot be reached (ECONNREFUSED), npm tries again" in refused.stderr
    assert (
        "Error: npm cannot get n8n-nodes-greet@latest: 127.0.0.1:9 cannot be reached (ECONNREFUSED)" in refused.stderr
    )


def test_how_often_npm_tries_again_can_be_set():
    assert with_retries({}) == RETRIES
    assert with_retries({"NPM_CONFIG_FETCH_RETRIES": "0"}) == {
        **{name: value for name, value in RETRIES.items() if name != "npm_config_fetch_retries"},
        "NPM_CONFIG_FETCH_RETRIES": "0",
    }


def test_a_registry_that_says_nothing_is_given_up_long_before_npm_does(run, monkeypatch, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
        monkeypatch.setattr(registry_reach, "REACH_SECONDS", 1.0)
        refused = run("add", "n8n-nodes-greet")
    assert refused.exit_code == 1
    assert "n8n-nodes-greet@latest: npm's registry cannot be reached (no answer, tried for 1 second" in refused.stderr


def test_requests_that_fail_without_an_answer_between_end_npm(monkeypatch):
    monkeypatch.setattr(registry_reach, "REACH_SECONDS", 0.01)
    failed = "npm http fetch GET http://127.0.0.1:9/n8n-nodes-greet attempt 1 failed with ECONNREFUSED"
    answered = "npm http fetch GET 200 http://127.0.0.1:9/n8n-nodes-greet 8ms (cache miss)"

    async def hear(*lines: str, waits: bool = False) -> None:
        waited = count(step=0.2) if waits else repeat(0.0)
        heard = registry_reach.RegistryReach("n8n-nodes-greet@latest", lambda _: None, patient=True)
        async with heard.bounded(lambda: next(waited)):
            for line in lines:
                heard.hear(line)
            await asyncio.sleep(0.02)

    asyncio.run(hear(failed, answered))
    asyncio.run(hear(failed, waits=True))  # for a processor, which says nothing of the registry
    with pytest.raises(RegistryUnreachable, match="ECONNREFUSED, tried for"):
        asyncio.run(hear(failed, answered, failed))


def test_a_host_that_fails_on_while_others_answer_ends_npm_and_is_named(monkeypatch):
    monkeypatch.setattr(registry_reach, "REACH_SECONDS", 0.0)
    elsewhere = "npm http fetch GET https://user:secret@files.example/sheet-1.0.0.tgz attempt 1 failed with ETIMEDOUT"
    answered = "npm http fetch GET 200 http://127.0.0.1:9/n8n-nodes-greet 8ms (cache miss)"
    there = "npm http fetch GET 200 https://files.example/sheet-1.0.0.tgz 8ms (cache miss)"

    told: list[str] = []

    async def hear(*lines: str) -> None:
        heard = registry_reach.RegistryReach("n8n-nodes-greet@latest", told.append, patient=True)
        async with heard.bounded():
            for line in lines:
                heard.hear(line)
            await asyncio.sleep(0)

    asyncio.run(hear(elsewhere, there, elsewhere, answered))
    with pytest.raises(RegistryUnreachable) as refused:
        asyncio.run(hear(elsewhere, answered, elsewhere, answered))
    assert told == ["files.example cannot be reached (ETIMEDOUT), npm tries again"] * 3, "once until it answers"
    assert "greet@latest: files.example cannot be reached (ETIMEDOUT, tried for" in str(refused.value)


@pytest.mark.parametrize("author", [None, "", 7, {"name": 7}, {"name": "x" * 1000}])
def test_authors_are_read_whatever_they_are(author):
    from app.packages.adding import author_of

    name, email = author_of(author)
    assert email is None
    assert name is None or len(name) == 200
