"""Folders of packages are whole or not there, whoever is killed, and whoever else is at it."""

import asyncio
import json
import shutil
import threading

import pytest

from app.packages import adding, install, npm_environment
from app.packages.adding import put_in_place
from app.packages.errors import CannotInstall
from app.packages.install import Resolved
from app.packages.licences import restricted_packages
from app.packages.store import LOCK, InUse, Store
from tests.patience import PATIENCE_SECONDS

GREET = Resolved("n8n-nodes-greet", "1.0.0", "sha512-", "MIT", '{"packages": {}}')
SCOPED = Resolved("@acme/nodes", "2.0.0-beta.1", "sha512-", "MIT", "{}")


async def fetched(resolved, folder, *, tell) -> None:
    """In the place of npm."""
    (folder / LOCK).write_text(resolved.lock)


def put(store: Store, resolved: Resolved = GREET) -> None:
    asyncio.run(put_in_place(store, resolved, tell=lambda _: None))


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setattr(adding, "fetch", fetched)
    return Store(tmp_path)


def test_packages_are_found_by_name_and_version(store):
    put(store)
    put(store, SCOPED)
    assert store.installed() == [("@acme/nodes", "2.0.0-beta.1"), ("n8n-nodes-greet", "1.0.0")]
    assert store.package(SCOPED.name, SCOPED.version).relative_to(store.root).parts[0] == "@acme"
    store.drop(*store.installed()[0])
    store.drop("n8n-nodes-never", "1.0.0")
    assert store.installed() == [("n8n-nodes-greet", "1.0.0")]
    for name, version in (
        ("../up", "1.0.0"),
        ("n8n-nodes-greet", "../1.0.0"),
        ("a/b", "1.0.0"),
        ("", "1.0.0"),
        ("--x", "1.0.0"),
    ):
        with pytest.raises(ValueError, match="is not a package"):
            store.folder(name, version)


def test_what_a_killed_installation_leaves_is_no_package_and_goes(store, monkeypatch):
    async def killed(resolved, folder, *, tell) -> None:
        (folder / "half").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(adding, "fetch", killed)
    with pytest.raises(KeyboardInterrupt):
        put(store)
    assert store.installed() == []
    left = store.root / ".new-left"
    (left / "node_modules").mkdir(parents=True)
    monkeypatch.setattr(adding, "fetch", fetched)
    put(store)
    assert not left.exists()
    assert store.has(GREET.name, GREET.version, GREET.lock)


@pytest.mark.parametrize("broken_off", [True, False])
def test_to_remove_many_files_keeps_no_loop_waiting(store, monkeypatch, broken_off):
    """A worker's loop proves that it lives; files of a large package may take minutes to remove."""
    begun, goes_on = threading.Event(), threading.Event()
    waited: list[bool] = []
    remove = shutil.rmtree

    def remove_slowly(*given, **settings) -> None:
        begun.set()
        waited.append(goes_on.wait(PATIENCE_SECONDS))
        remove(*given, **settings)

    async def stuck(resolved, folder, *, tell) -> None:
        await asyncio.Event().wait()

    async def install_and_look() -> None:
        installing = asyncio.create_task(put_in_place(store, SCOPED, tell=lambda _: None))
        while broken_off and not list(store.root.glob(".new-*")):
            await asyncio.sleep(0.001)
        monkeypatch.setattr("app.packages.store.shutil.rmtree", remove_slowly)
        if broken_off:
            installing.cancel()
        while not begun.is_set():
            await asyncio.sleep(0.001)
        goes_on.set()
        await asyncio.gather(installing, return_exceptions=True)

    if broken_off:
        monkeypatch.setattr(adding, "fetch", stuck)
    else:
        (store.root / ".new-left").mkdir(parents=True)
    asyncio.run(install_and_look())
    assert waited
    assert all(waited)
    assert [path.name for path in store.root.glob(".new-*")] == []


def test_the_same_version_from_another_lock_takes_its_place(store):
    put(store)
    (store.folder(GREET.name, GREET.version) / "old").mkdir()
    put(store, Resolved(GREET.name, GREET.version, "sha512-", "MIT", '{"packages": {"": {}}}'))
    assert not store.has(GREET.name, GREET.version, GREET.lock)
    assert not (store.folder(GREET.name, GREET.version) / "old").exists()
    assert [path.name for path in store.root.glob(".new-*")] == []


def test_one_process_of_a_machine_installs_at_a_time(store, monkeypatch):
    monkeypatch.setattr(adding, "WAIT_SECONDS", 0.0)
    with store.changing():
        with pytest.raises(InUse), Store(store.root.parent).changing():
            pass
        with pytest.raises(CannotInstall, match="Another process"):
            put(store)
    put(store)


def test_npm_sees_no_secret_of_ours():
    ours = {"DATABASE_URL": "u", "EXECUTIONS_API_KEY": "k", "EXECUTIONS_ENCRYPTION_KEY": "k", "PGPASSWORD": "p"}
    npms = {"PATH": "/bin", "HTTPS_PROXY": "http://proxy", "npm_config_registry": "http://registry", "HOME": "/root"}
    assert npm_environment.without_secrets({**ours, **npms}) == npms


def test_npm_keeps_what_it_has_fetched_only_where_it_may_write(tmp_path):
    assert npm_environment.has_cache({"HOME": str(tmp_path)})
    assert not npm_environment.has_cache({"HOME": "/nonexistent"})
    assert not npm_environment.has_cache({})
    assert npm_environment.has_cache({"HOME": "/nonexistent", "NPM_CONFIG_CACHE": "/x"})


def test_what_packages_want_beside_them_is_found_but_for_n8n():
    packages = {
        "": {"peerDependencies": {}},
        "node_modules/n8n-nodes-greet": {
            "peerDependencies": {"n8n-workflow": "*", "@n8n/ai": "*", "cheerio": "^1.0.0", "there": "1", "maybe": "1"},
            "peerDependenciesMeta": {"maybe": {"optional": True}},
        },
        "node_modules/there": {"peerDependencies": {"odd": "file:../x", "also-odd": "git+ssh://x", "--evil": "1"}},
        "node_modules/there/node_modules/deep": {"peerDependencies": {"core": ">=0.2 <1 || 2"}},
    }
    assert install.missing_peers(json.dumps({"packages": packages})) == ["cheerio@^1.0.0", "core@>=0.2 <1 || 2"]


def test_packages_of_n8n_are_told_by_name_and_licence():
    packages = {
        "": {},
        "node_modules/n8n-nodes-greet": {"license": "MIT"},
        "node_modules/n8n-nodes-greet/node_modules/n8n-workflow": {"license": "SEE LICENSE IN LICENSE.md"},
        "node_modules/@n8n/tournament": {"license": "Apache-2.0"},
        "node_modules/@n8n_io/sdk": {"license": "LicenseRef-n8n-enterprise"},
        "node_modules/old": {"license": {"type": "MIT"}},
        "node_modules/alias": {"name": "n8n-core"},
        "node_modules/other": {"license": "Sustainable Use License"},
    }
    lock = json.dumps({"packages": packages})
    assert restricted_packages(lock) == ["@n8n_io/sdk", "n8n-core", "n8n-workflow", "other"]
