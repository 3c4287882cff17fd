"""What the answers of workflows may be: here, the names that files are offered under."""

import pytest

from app.http_rules import attachment


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a b.pdf", 'attachment; filename="a b.pdf"'),
        (
            "שלום €.pdf",
            "attachment; filename=\"____ _.pdf\"; filename*=UTF-8''%D7%A9%D7%9C%D7%95%D7%9D%20%E2%82%AC.pdf",
        ),
        ('ü "x"\\.pdf', "attachment; filename=\"_ _x__.pdf\"; filename*=UTF-8''%C3%BC%20%22x%22%5C.pdf"),
        ("a\r\nSet-Cookie: x", 'attachment; filename="a__Set-Cookie: x"'),
        ("\u202egnp.html", 'attachment; filename="_gnp.html"'),
        ("\ud800x", 'attachment; filename="?x"'),
        (7, 'attachment; filename="7"'),
        ("x" * 300, f'attachment; filename="{"x" * 200}"'),
    ],
)
def test_a_file_is_offered_under_a_name_that_every_header_can_hold(name, header):
    assert attachment(name) == header
    header.encode("latin-1")
