"""Many packages at once for `make check-packages`, without npm: what is tried again, and what ends with its time."""

import asyncio
from pathlib import Path

import pytest

from app.packages.adding import Added
from app.packages.errors import CannotInstall, RegistryUnreachable
from app.packages.install import Resolved
from app.packages.manifest import Manifest
from app.packages.store import LOCK, Store
from tests.packages import bringing
from tests.packages.bringing import ATTEMPTS, Bringing, Brought
from tests.packages.cache import resolved_for

HOURS = 10_000.0


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def bring(monkeypatch, tmp_path, said):
    """Brings packages: `stuck` never comes, `flaky` comes at the last attempt, `bad` cannot be installed."""
    store, attempts = Store(tmp_path), dict.fromkeys(("flaky", "gone"), 0)

    async def resolve(store: Store, name: str, version: str, *, accepts: bool) -> Resolved:
        return Resolved(name, version, "", "", "the lock")

    async def put(aside: Store, resolved: Resolved, *, tell: bringing.Say) -> None:
        name = resolved.name
        if name == "stuck":
            await asyncio.Event().wait()
        if name == "bad":
            raise CannotInstall("is bad")
        if name in attempts:
            attempts[name] += 1
            if name == "gone" or attempts[name] < ATTEMPTS:
                raise RegistryUnreachable("no registry")
        folder = aside.folder(name, resolved.version)
        folder.mkdir(parents=True)
        (folder / LOCK).write_text(resolved.lock)

    async def read(resolved: Resolved, folder: Path) -> Added:
        assert store.has(resolved.name, resolved.version, resolved.lock)
        return Added(resolved, Manifest(), None, None)

    for name, made in (("resolved_for", resolve), ("put_in_place", put), ("read", read)):
        monkeypatch.setattr(bringing, name, made)
    monkeypatch.setenv(bringing.OFFLINE, "true")

    def run(*names: str, seconds: float = HOURS, **limits: float) -> Brought:
        made = Bringing(store, accepts=False, say=said.append)
        return asyncio.run(made.bring([(name, "1.0.0") for name in names], {"": HOURS, **limits}, seconds))

    return run


def test_each_comes_or_says_why_not(bring, said):
    brought = bring("good", "bad", "flaky", "gone")
    assert (sorted(brought.added), brought.reasons) == (["flaky", "good"], {"bad": "is bad", "gone": "no registry"})
    assert f"flaky@1.0.0: attempt {ATTEMPTS - 1} of {ATTEMPTS}: no registry" in said
    assert any(line.startswith("4 of 4: ") for line in said)


def test_one_that_does_not_come_holds_no_other(bring):
    brought = bring("stuck", "good", stuck=0.05)
    assert (list(brought.added), brought.unfinished) == (["good"], ["stuck"])


def test_what_the_time_is_too_short_for_is_named(bring):
    brought = bring("stuck", "good", seconds=0.05)
    assert "stuck" in brought.unfinished
    assert sorted([*brought.unfinished, *brought.added]) == ["good", "stuck"], "each is in one of them"


def test_what_is_there_is_not_asked_for_again(tmp_path):
    store = Store(tmp_path)
    folder = store.folder("good", "1.0.0")
    folder.mkdir(parents=True)
    (folder / LOCK).write_text('{"packages": {}}')
    assert asyncio.run(resolved_for(store, "good", "1.0.0")).lock == '{"packages": {}}'
