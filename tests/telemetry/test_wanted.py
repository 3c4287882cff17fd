"""When traces are sent, and what is said where they cannot be."""

import pytest

from app.doctor.host import examine_traces
from app.environment import SettingsError
from app.settings import Settings
from app.telemetry import wanted
from app.telemetry.wanted import check_traces, try_traces, wants_traces

ASKED = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x", "OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        (ASKED, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({**ASKED, "OTEL_SDK_DISABLED": "True"}, False),
        ({**ASKED, "OTEL_SDK_DISABLED": "no"}, True),
        ({**ASKED, "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_are_off_unless_a_collector_is_named(environ, expected):
    assert wants_traces(environ) is expected
    assert Settings.from_environment(environ, needs_database=False).traces is expected


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (ASKED, None),
        ({**ASKED, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, None),
        ({**ASKED, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'"),
        (
            {**ASKED, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
            None,
        ),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://[::1"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be a URL"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://\udcff"}, "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL"),
    ],
)
def test_what_cannot_be_sent_is_a_sentence(environ, said):
    if said is None:
        check_traces(environ)
    else:
        with pytest.raises(SettingsError, match=said):
            check_traces(environ)


def test_an_api_that_could_not_send_is_told_before_it_starts(monkeypatch):
    try_traces({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    try_traces(ASKED)
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "99999")
    with pytest.raises(SettingsError, match="cannot be used: max_export_batch_size"):
        try_traces(ASKED)


def test_packages_that_are_not_there_are_named_by_the_worker_and_the_doctor(monkeypatch):
    monkeypatch.setattr(wanted, "NEEDED", ("opentelemetry.of_another_world.sdk",))
    monkeypatch.setenv(*next(iter(ASKED.items())))
    with pytest.raises(
        SettingsError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT asks for traces: install .*\[opentelemetry\]"
    ):
        check_traces(ASKED)
    settings = Settings.from_environment(ASKED, needs_database=False)
    [finding] = examine_traces(settings)
    assert "make install-opentelemetry" in finding.state
    assert finding.advice
    assert not list(examine_traces(Settings.from_environment({}, needs_database=False)))
