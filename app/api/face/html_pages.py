"""Whole HTML pages for whoever comes without a key: forms, chats, the end of a consent."""

from html import escape

from flask import Response


def html_page(title: str, body: str, *, style: str, policy: str, css: str = "", status: int = 200) -> Response:
    """A document with this `body` (HTML); `title` is text. What an author's `css` holds cannot end its element."""
    safe = css.replace("</", "<\\/")
    own = f"<style>{safe}</style>" if css else ""
    return html_response(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{style}</style>{own}</head><body>{body}</body></html>",
        policy,
        status,
    )


def html_response(text: str, policy: str, status: int = 200) -> Response:
    """HTML under this Content-Security-Policy, kept nowhere; nobody is told its address, which may hold a secret."""
    response = Response(text.encode("utf-8", "replace"), status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
