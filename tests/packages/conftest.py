"""A registry of packages on this machine, which npm asks."""

from collections.abc import Iterator

import pytest

from tests.packages.registry import Registry


@pytest.fixture
def registry(tmp_path_factory, monkeypatch) -> Iterator[Registry]:
    """The one that this user's npmrc names, as npm sees it."""
    home = tmp_path_factory.mktemp("npm")
    registry = Registry()
    with registry.serving():
        (home / "npmrc").write_text(f"registry={registry.url}\nfetch-retries=0\n")
        monkeypatch.setenv("npm_config_userconfig", str(home / "npmrc"))
        monkeypatch.setenv("npm_config_cache", str(home / "cache"))
        monkeypatch.delenv("npm_config_registry", raising=False)
        yield registry
