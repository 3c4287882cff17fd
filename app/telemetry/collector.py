"""Sends to the collector: reads little of its answers, and reports failures without its address."""

from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExporter
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

MAX_ANSWER_BYTES = 64 * 2**10
"""A collector answers in some hundred; only its status is looked at."""


class CautiousAdapter(HTTPAdapter):
    """Connections to whom nobody trusts to keep an answer short."""

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """The answer, cut. Raises requests.RequestException, which names no address: that may hold a secret."""
        try:
            response = super().send(request, *arguments, **named)
        except requests.RequestException as error:
            raise type(error)(f"the collector was not reached: {type(error).__name__}") from None
        cut_answer(response)
        if response.is_redirect:  # which is not followed, and would count as taken
            raise requests.HTTPError(f"the collector answered {response.status_code}, which leads elsewhere")
        return response


def cut_answer(response: requests.Response) -> None:
    """Read as much of an answer as is wanted, undecoded, and let go of its connection."""
    try:
        response._content = response.raw.read(MAX_ANSWER_BYTES, decode_content=False)  # where requests keeps it
    except (HTTPError, OSError) as error:
        raise requests.ConnectionError(f"the collector broke off its answer: {type(error).__name__}") from None
    finally:
        response.close()


def open_exporter() -> SpanExporter:
    """What sends spans as OpenTelemetry's variables say. Raises ValueError for those that make no sense."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, CautiousAdapter())
    return OTLPSpanExporter(session=session)
