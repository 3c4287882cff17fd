"""The README tells the truth: its table of nodes is the registry's, its commands and variables exist.

`python -m tests.test_readme` writes the table anew.
"""

import re
import subprocess
from pathlib import Path

from app.engine import nodes
from app.web import MODULES

PROJECT = Path(__file__).resolve().parent.parent
README = PROJECT / "README.md"
CALLS = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE)(?:\|[A-Z]+)*) (/[\w/{}-]+)")
"""Verbs and path of a call of the API, as in `GET|PUT /tags/{id}`."""
NODES = re.compile(r"(<!-- nodes:[^\n]*-->\n).*?(<!-- /nodes -->)", re.DOTALL)


def node_table() -> str:
    rows = ["| Node type | Versions |", "| --- | --- |"]
    for name, versions in nodes.load().versions().items():
        rows.append(f"| `{name.removeprefix('n8n-nodes-base.')}` | {', '.join(f'{v:g}' for v in versions)} |")
    return "\n".join(rows) + "\n"


def written_anew(text: str) -> str:
    return NODES.sub(lambda found: found[1] + node_table() + found[2], text)


def test_the_table_of_nodes_is_the_registrys() -> None:
    text = README.read_text()
    assert text == written_anew(text), "run: .venv/bin/python -m tests.test_readme"


def test_every_setting_stands_in_the_table() -> None:
    settings = "".join(file.read_text() for file in (PROJECT / "app" / "settings").glob("*.py"))
    known = set(re.findall(r'"(EXECUTIONS_[A-Z_]+|HOST|PORT|DATABASE_[A-Z_]*URL|DATABASE_[A-Z_]*SECONDS)"', settings))
    names = re.compile(r"`(EXECUTIONS_[A-Z_]+|HOST|PORT|DATABASE_[A-Z_]+)`")
    table = (PROJECT / "docs" / "settings.md").read_text()
    assert known ^ set(names.findall(table)) == set()
    assert set(names.findall(README.read_text())) <= known


def rooms_of_the_readme() -> set[str]:
    """The paths that begin the lines of the house; `app/up.py, doctor.py` names two."""
    house = README.read_text().split("## The house")[1].split("```")[1]
    rooms = set()
    for names in re.findall(r"^(\w[\w./]*(?:, [\w.]+)*)", house, re.MULTILINE):
        first, *others = names.split(", ")
        rooms |= {first, *(f"{first.rpartition('/')[0]}/{other}" for other in others)}
    return rooms


def test_every_room_of_the_house_is_there() -> None:
    for path in rooms_of_the_readme():
        assert (PROJECT / path).exists(), path


def test_every_room_that_is_there_stands_in_the_house() -> None:
    """Each package but the families of nodes, and each module that stands directly in app/."""
    packages = {file.parent.relative_to(PROJECT).as_posix() for file in (PROJECT / "app").rglob("__init__.py")}
    packages = {path for path in packages - {"app"} if not re.search(r"node_modules|app/engine/nodes/", path)}
    modules = {f"app/{file.name}" for file in (PROJECT / "app").glob("*.py")} - {"app/__init__.py"}
    assert {f"{path}/" for path in packages} | modules <= rooms_of_the_readme()


def test_every_folder_of_tests_mirrors_a_room_or_stands_in_the_house() -> None:
    told = README.read_text().split("\ntests/  ")[1].split("```")[0]
    folders = {
        path.name for path in (PROJECT / "tests").iterdir() if path.is_dir() and not path.name.startswith(("_", "."))
    }
    assert {name for name in folders if f"{name}/" not in told} <= {path.name for path in (PROJECT / "app").iterdir()}
    assert set(re.findall(r"(\w+)/", told)) <= folders | {"app"}


def test_every_place_that_contributors_are_sent_to_is_there() -> None:
    for path in re.findall(r"`((?:app|sql|tests|docs)/[\w./]+|setup\.cfg)`", (PROJECT / "CONTRIBUTING.md").read_text()):
        assert (PROJECT / path).exists(), path


def test_the_one_test_that_contributors_are_told_to_run_is_there() -> None:
    for file, word in re.findall(r"pytest (tests/\S+\.py) -k (\w+)", (PROJECT / "CONTRIBUTING.md").read_text()):
        assert re.search(rf"def test_\w*{word}", (PROJECT / file).read_text()), f"{file} -k {word}"


def test_every_page_of_the_docs_is_linked_and_every_link_leads_somewhere() -> None:
    linked = set()
    for page in (
        README,
        *(PROJECT / name for name in ("CONTRIBUTING.md", "SECURITY.md")),
        *(PROJECT / "docs").glob("*.md"),
    ):
        for link in re.findall(r"\]\((?!https?:)([\w./-]+)(?:#[\w-]*)?\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
            if page == README:
                linked.add(link)
    assert {f"docs/{page.name}" for page in (PROJECT / "docs").glob("*.md")} - linked == set()


def test_every_make_target_that_it_names_is_there() -> None:
    targets = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for target in set(re.findall(r"`?make ([a-z]+)`?", README.read_text())):
        assert f"make {target}" in targets, target


def test_every_call_that_a_page_names_is_there() -> None:
    endpoints = [(module.blueprint.url_prefix, each) for module in MODULES for each in module.blueprint.endpoints]
    there = {(each.method, pattern(f"{prefix}{each.rule}".removeprefix("/api/v1"))) for prefix, each in endpoints}
    for page in (README, PROJECT / "SECURITY.md", *(PROJECT / "docs").glob("*.md")):
        for verbs, path in CALLS.findall(page.read_text()):
            for verb in verbs.split("|"):
                assert (verb, pattern(path)) in there, f"{page.name}: {verb} {path}"


def pattern(path: str) -> str:
    """The path with a star for each of its variable parts."""
    return re.sub(r"<[^>]*>|{[^}]*}", "*", path)


if __name__ == "__main__":
    README.write_text(written_anew(README.read_text()))
