"""Which callers' spans are taken for true."""

import pytest

from app.telemetry.traceparent import parse_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (VALID, VALID),
        (f" {VALID} ", VALID),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-ff", VALID),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", VALID),
        (None, None),
        ("", None),
        (f"{VALID}-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (VALID.upper(), None),
        (f"{VALID},{VALID}", None),
        (f"00-{TRACE[:-1]}٣-{SPAN}-01", None),
        (f"cc-{TRACE}-{SPAN}-01-" + "x" * 1_000, None),
    ],
)
def test_only_what_the_standard_knows_is_taken(header, expected):
    assert parse_traceparent(header) == expected
