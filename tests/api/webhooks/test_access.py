"""Who calls: a browser with somebody before it, or a program on its own account."""

import pytest
from flask import Flask

from app.api.webhooks.access import is_program

WEBKIT = (
    "Mozilla/5.0 (Linux; Android 9; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36"
)
PEOPLE = [
    "",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    WEBKIT.format("CUBOT_X19"),
    "Opera/9.80 (Windows NT 6.1) Presto/2.12",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)",
]
PROGRAMS = [
    "WhatsApp/2.23.20.0 A",
    "Iframely/1.3",
    "TelegramBot (like TwitterBot)",
    "SkypeUriPreview Preview/0.5",
    "Barracuda Sentinel (EE)",
    "curl/8.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    WEBKIT.format("K") + " Google-PageRenderer",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
]


@pytest.mark.parametrize(
    ("agent", "program"), [*((each, False) for each in PEOPLE), *((each, True) for each in PROGRAMS)]
)
def test_programs_are_known_by_their_names(agent, program):
    with Flask(__name__).test_request_context(headers={"User-Agent": agent}):
        assert is_program() is program
