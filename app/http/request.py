"""gunicorn's parser, with what HTTP/1.1 asks of a server beyond it: a Host header, and that `close` closes.

RFC 9112, section 3.2: a request of HTTP/1.1 without a Host header, and any whose Host is none, is answered with 400.
RFC 9110, section 7.6.1: Connection is a list; gunicorn understands it where it has one word only.
"""

import re
from typing import Any

from gunicorn.http import RequestParser  # type: ignore[import-untyped]
from gunicorn.http.errors import InvalidHeader  # type: ignore[import-untyped]
from gunicorn.http.message import Request  # type: ignore[import-untyped]

HOST = re.compile(r"(?:\[[0-9a-fA-Fv:.]*+\]|(?:(?>[\w.~!$&'()*+,;=-]|%[0-9a-fA-F]{2}))*+)(?::\d*+)?", re.ASCII)
"""A name or an address with or without a port; nothing, where the client knows none."""


class StrictRequest(Request):  # type: ignore[misc]
    """A request as gunicorn reads it, refused where its Host is missing or none."""

    def parse(self, unreader: Any) -> Any:
        """Read the head. Raises gunicorn's ParseException, which is answered with 400."""
        rest = super().parse(unreader)
        hosts = [value for name, value in self.headers if name == "HOST"]
        if (not hosts and self.version >= (1, 1)) or any(HOST.fullmatch(host) is None for host in hosts):
            raise InvalidHeader("HOST", req=self)
        return rest

    def should_close(self) -> bool:
        """Whether the connection ends with the answer."""
        if self.must_close or self.method == "CONNECT":
            return True
        lists = (value for name, value in self.headers if name == "CONNECTION")
        options = {option.strip(" \t").lower() for value in lists for option in value.split(",")}
        return "close" in options or (self.version <= (1, 0) and "keep-alive" not in options)


class StrictParser(RequestParser):  # type: ignore[misc]
    """The requests of one connection, one after the other."""

    mesg_class = StrictRequest
