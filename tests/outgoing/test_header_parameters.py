"""The parameters of headers, also of those that somebody has written to do harm."""

import pytest

from app.outgoing.header_parameters import charset_in, parameters


@pytest.mark.parametrize(
    ("header", "given"),
    [
        ("attachment; FileName=\"a;b.txt\"; size=3", [("attachment", "", False), ("filename", "a;b.txt", False),
                                                     ("size", "3", False)]),
        ("attachment; filename*=utf-8''%c3%bc.txt", [("attachment", "", False), ("filename", "\u00fc.txt", True)]),
        ("attachment; filename*=nonsense''%c3%bc", [("attachment", "", False), ("filename", "\u00fc", True)]),
        # what the library trips over
        ("text/html; a*; a*1", []),
        ("text/html; a*=x''\u00ff; a*1*=\ud800", []),
        ("text/html; a*0*=utf-8''%ff; a*=\ud800''%", []),
    ],
)  # fmt: skip
def test_what_a_header_says(header: str, given: list[tuple[str, str, bool]]) -> None:
    assert parameters(header) == given


def test_no_more_is_read_of_a_header_than_anybody_needs() -> None:
    """The time for a quoted text of semicolons grows with the square of their number."""
    assert charset_in("text/html; charset=UTF-16") == "utf-16"
    assert charset_in(f'text/html; a="{";" * 900}"; charset=utf-16') == "utf-16"
    assert charset_in(f'text/html; a="{";" * 1000}"; charset=utf-16') is None
