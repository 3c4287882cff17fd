"""Content codings: which one a caller wants, and answers that were made whole put into it.

What is streamed and what a workflow answers is left alone here: app.api.executions.stream encodes the one as it goes,
the other is the workflow's. A coding costs a caller that asks for none nothing but the header Vary.
"""

import zlib
from typing import NamedTuple

import zstandard
from flask import Flask, Response, request
from werkzeug.datastructures import Accept

GZIP, ZSTD, IDENTITY = "gzip", "zstd", "identity"
WORTH_BYTES = 1024  # a shorter answer fits into one packet as it is
LEVEL = 1  # of both: what they leave is a third larger than at their defaults, in a third of the time
GZIP_FORMAT = 31  # zlib's number for a gzip header around the largest window
TEXT = ("application/json", "text/", "application/javascript")


class Coding(NamedTuple):
    """`name` of the coding to answer in; `always`: the caller refuses an answer that is not encoded, however short."""

    name: str
    always: bool = False

    def fits(self, length: int) -> bool:
        """Whether an answer of so many bytes is to be encoded."""
        return self.name != IDENTITY and (self.always or length >= WORTH_BYTES)


def wanted_coding() -> Coding:
    """What the present request wants. One that refuses all that there is gets its answer as it is, as RFC 9110 has it.

    zstd is for those who name it: many say `*` and mean gzip.
    """
    accepted = request.accept_encodings
    if not accepted:
        return Coding(IDENTITY)
    zstd = accepted.quality(ZSTD) if any(name.lower() == ZSTD for name in accepted.values()) else 0
    gzip = accepted.quality(GZIP)
    identity = quality_of_identity(accepted)
    best = max(zstd, gzip)
    if best <= 0 or best < (identity or 0):
        return Coding(IDENTITY)
    return Coding(ZSTD if zstd >= gzip else GZIP, always=identity == 0)


def quality_of_identity(accepted: Accept) -> float | None:
    """How much the caller wants no coding; None when it does not say, and then it takes it."""
    said = any(name.lower() in (IDENTITY, "*") for name in accepted.values())
    return accepted.quality(IDENTITY) if said else None


def compress(coding: str, content: bytes) -> bytes:
    """The content in a coding."""
    if coding == ZSTD:
        return zstandard.ZstdCompressor(level=LEVEL).compress(content)
    return zlib.compress(content, LEVEL, GZIP_FORMAT)


def mark_coding(response: Response, coding: str) -> Response:
    """Say which coding the answer is in, and that it would differ for another caller."""
    if coding != IDENTITY:
        response.headers["Content-Encoding"] = coding
    vary(response)
    return response


def vary(response: Response) -> None:
    """Tell caches that the answer depends on what the caller decodes."""
    if "Accept-Encoding" not in response.headers.get("Vary", ""):
        response.headers.add("Vary", "Accept-Encoding")


def encode_response(response: Response) -> Response:
    """Put an answer into the coding that the caller wants."""
    if request.blueprint == "webhooks" or response.status_code in (204, 206):
        return response
    vary(response)
    if response.status_code == 304 or not is_whole_text(response):
        return response
    coding = wanted_coding()
    if coding.name == IDENTITY:
        return response
    response.direct_passthrough = False
    content = response.get_data()
    if coding.fits(len(content)):
        response.set_data(compress(coding.name, content))
        response.headers["Content-Encoding"] = coding.name
        etag, _ = response.get_etag()
        if etag is not None:
            response.set_etag(etag, weak=True)
    return response


def is_whole_text(response: Response) -> bool:
    """Whether there is something to encode: text that is all there, in memory or as a file."""
    is_whole = response.direct_passthrough or not response.is_streamed
    return is_whole and "Content-Encoding" not in response.headers and (response.content_type or "").startswith(TEXT)


def register(app: Flask) -> None:
    """Let the answers of this app be encoded; to come after what measures them, so that it sees the time it takes."""
    app.after_request(encode_response)
