"""A provider of OAuth 1 and 2 that checks all that it is asked, on this machine.

A refresh token is good once: whoever shows it again loses all tokens, as RFC 9700 wants it.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt
from authlib.common.urls import url_decode
from authlib.oauth1.rfc5849.util import escape

CLIENT, SECRET = "the client", "s3cret of the client"
DATA = {"clientId": CLIENT, "clientSecret": SECRET, "grantType": "authorizationCode", "scope": "read write"}
REDIRECT = "/rest/oauth2-credential/callback"


@dataclass
class Provider:
    """What it knows, and what it was asked."""

    url: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    spent: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    """The token requests."""
    life: int | None = 3600
    rotates: bool = True
    gives_refresh: bool = True
    refusal: tuple[int, dict[str, Any]] | None = None
    """What it says instead of giving tokens."""
    go_on: threading.Event = field(default_factory=threading.Event)
    """It answers nothing while this is not set."""
    account: Any = None
    """The public key of a service account."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Forget all, and answer at once."""
        self.__init__(url=self.url)
        self.go_on.set()

    def data(self, **more: Any) -> dict[str, Any]:
        """What a credential for it holds."""
        return {**DATA, "authUrl": f"{self.url}/authorize", "accessTokenUrl": f"{self.url}/token", **more}

    def consented(self, url: str) -> str:
        """The callback's address after somebody was at this one and said yes."""
        query = dict(parse_qsl(urlsplit(url).query))
        assert url.startswith(f"{self.url}/authorize?")
        assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def new_tokens(self) -> dict[str, Any]:
        access, refresh = f"access-{secrets.token_hex(8)}", f"refresh-{secrets.token_hex(8)}"
        self.access.add(access)
        given: dict[str, Any] = {"access_token": access, "token_type": "Bearer"}
        if self.life is not None:
            given["expires_in"] = self.life
        if self.gives_refresh:
            self.refresh.add(refresh)
            given["refresh_token"] = refresh
        return given

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The answer of the token endpoint."""
        with self.lock:
            if "assertion" in form:
                return self._service_account(form)
            self.asked.append(form)
            if self.refusal is not None:
                return self.refusal
            in_header = authorization == "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            in_body = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
            if in_header == in_body:
                return 401, {"error": "invalid_client"}
            return self._grant(form)

    def _service_account(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        claims = jwt.decode(form["assertion"], self.account, algorithms=["RS256"], audience=f"{self.url}/token")
        self.asked.append(claims)
        return 200, self.new_tokens()

    def _grant(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form["grant_type"] == "client_credentials":
            return 200, {name: value for name, value in self.new_tokens().items() if name != "refresh_token"}
        if form["grant_type"] == "refresh_token":
            token = form["refresh_token"]
            if token in self.spent:
                self.access.clear()
                self.refresh.clear()
            if token not in self.refresh:
                return 400, {"error": "invalid_grant", "error_description": f"{token} was revoked"}
            self.access.clear()
            given = self.new_tokens()
            if not self.rotates:
                self.refresh.discard(given.pop("refresh_token"))
                return 200, given
            self.refresh.remove(token)
            self.spent.add(token)
            return 200, given
        asked = self.codes.pop(form["code"], None)
        if asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = asked.get("code_challenge")
        if challenge and base64.urlsafe_b64encode(verifier).decode().rstrip("=") != challenge:
            return 400, {"error": "invalid_grant", "error_description": "PKCE verification failed"}
        return 200, self.new_tokens()


OAUTH1 = {"consumerKey": "the consumer", "consumerSecret": "its secret & more", "signatureMethod": "HMAC-SHA1"}


def signed(
    method: str, url: str, authorization: str, body: str, *, secret: str, digest: str = "sha1"
) -> dict[str, str] | None:
    """The parameters of a signature of OAuth 1 that is right, by the letter of RFC 5849; None: it is not."""
    parts = [part.strip().partition("=") for part in authorization.removeprefix("OAuth ").split(",")]
    given = {name: unquote(value.strip('"')) for name, _, value in parts}
    address = urlsplit(url)
    own = [(name, value) for name, value in given.items() if name != "oauth_signature"]
    try:
        form = url_decode(body.replace("[]", "%5B%5D").replace("'", "%27"))
    except ValueError:  # it is none, whatever it is called
        form = []
    pairs = [*own, *parse_qsl(address.query, keep_blank_values=True), *form]
    text = "&".join("=".join(pair) for pair in sorted((escape(name), escape(value)) for name, value in pairs))
    base = "&".join(map(escape, (method, f"{address.scheme}://{address.netloc}{address.path}", text)))
    key = f"{escape(str(OAUTH1['consumerSecret']))}&{escape(secret)}"
    made = base64.b64encode(hmac.new(key.encode(), base.encode(), digest).digest()).decode()
    return given if made == given.get("oauth_signature") else None


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that listens."""
    provider = Provider()
    provider.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """A service that wants a token, and echoes what it was sent."""
            shown = self.headers.get("Authorization", "")
            fine = shown.removeprefix("Bearer ") in provider.access
            self.reply(200 if fine else 401, {"ok": fine, "path": self.path})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            authorization = self.headers.get("Authorization", "")
            provider.go_on.wait()
            if self.path.startswith("/token"):
                self.reply(*provider.token(dict(parse_qsl(body, keep_blank_values=True)), authorization))
                return
            url = f"{provider.url}{self.path}"
            secret = {"/request": "", "/access": "request secret", "/signed": "access secret"}[urlsplit(url).path]
            is_form = "urlencoded" in self.headers.get("Content-Type", "")
            given = signed("POST", url, authorization, body if is_form else "", secret=secret)
            if given is None:
                self.reply(401, {"message": "the signature is wrong"})
            elif self.path == "/request":
                provider.asked.append(given)
                self.reply(200, "oauth_token=r1&oauth_token_secret=request%20secret&oauth_callback_confirmed=true")
            elif self.path == "/access":
                provider.asked.append(given)
                self.reply(200, "oauth_token=a1&oauth_token_secret=access%20secret&user_id=7")
            else:
                self.reply(200, {"ok": True, "token": given["oauth_token"]})

        def reply(self, status: int, told: Any) -> None:
            content = (told if isinstance(told, str) else json.dumps(told)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if isinstance(told, dict) else "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield provider
    finally:
        provider.go_on.set()
        server.shutdown()
        server.server_close()
