"""A registry of packages on this machine, which npm asks; and an engine that runs the sample package."""

from collections.abc import Iterator

import pytest

from tests.engine.nodes import far_side
from tests.packages.hanging import AiEngine
from tests.packages.registry import Registry
from tests.packages.running import PackageEngine


@pytest.fixture
def registry(tmp_path_factory, monkeypatch) -> Iterator[Registry]:
    """The one that this user's npmrc names, as npm sees it."""
    home = tmp_path_factory.mktemp("npm")
    registry = Registry()
    with registry.serving():
        registry.npmrc = home / "npmrc"
        registry.npmrc.write_text(f"registry={registry.url}\nfetch-retries=0\n")
        monkeypatch.setenv("npm_config_userconfig", str(registry.npmrc))
        monkeypatch.setenv("npm_config_cache", str(home / "cache"))
        monkeypatch.delenv("npm_config_registry", raising=False)
        yield registry


@pytest.fixture(scope="session")
def far() -> Iterator[str]:
    """The address of a server that the sample's nodes may reach."""
    with far_side.running() as address:
        yield address


@pytest.fixture(scope="session")
def packages(far: str) -> Iterator[PackageEngine]:
    """One for all tests of a process: starting it costs more than most tests."""
    engine = PackageEngine(far.removeprefix("http://"))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def ai() -> Iterator[AiEngine]:
    """An engine with the package whose model says what it is told; one for all tests of a process."""
    engine = AiEngine()
    yield engine
    engine.close()
