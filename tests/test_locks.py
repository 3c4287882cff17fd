"""What `make` installs is pinned by version and hash, and is what setup.cfg asks for."""

import configparser
import json
import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.live import PROJECT


def pinned(kind: str) -> dict[str, list[str]]:
    """Versions by name; several where systems differ."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (PROJECT / ".ci" / f"{kind}.lock").read_text(), re.M):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def wanted(*sections: tuple[str, str]) -> list[Requirement]:
    config = configparser.ConfigParser()
    config.read(PROJECT / "setup.cfg")
    return [Requirement(line) for section, key in sections for line in config[section][key].split("\n") if line]


RUN = ("options", "install_requires")
DEV = ("options.extras_require", "dev")
TRACES = ("options.extras_require", "opentelemetry")


@pytest.mark.parametrize(
    ("kind", "sections"), [("run", [RUN]), ("opentelemetry", [RUN, TRACES]), ("dev", [RUN, TRACES, DEV])]
)
def test_each_package_of_setup_cfg_is_pinned_within_its_bounds(kind, sections):
    versions = pinned(kind)
    for requirement in wanted(*sections):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is not locked: run `make lock`"
        assert all(version in requirement.specifier for version in versions[name]), f"{name}: run `make lock`"


def test_tests_run_with_what_is_shipped():
    run, traces, dev = pinned("run"), pinned("opentelemetry"), pinned("dev")
    assert {name: traces[name] for name in run} == run
    assert {name: dev[name] for name in traces} == traces


@pytest.mark.parametrize("kind", ["run", "opentelemetry", "dev"])
def test_each_pin_has_hashes_and_no_registry_is_named(kind):
    text = (PROJECT / ".ci" / f"{kind}.lock").read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("folder", ["app/engine/sandbox", "app/console"])
def test_each_javascript_package_is_pinned_by_hash_and_no_registry_is_named(folder):
    text = (PROJECT / folder / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    wanted = json.loads((PROJECT / folder / "package.json").read_text())["dependencies"]
    assert packages[""]["dependencies"] == wanted, "package-lock.json is older than package.json"
    assert all(package["integrity"].startswith("sha512-") for name, package in packages.items() if name)
    assert "://" not in "".join(line for line in text.splitlines() if "resolved" in line)
