"""Parses the forms that the console's pages send. They have to be short: parsing takes hundreds of times their size.

Webhooks and forms of workflows, which anybody may send much to, read their bodies with parsers of their own.
"""

import io
from typing import IO, Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

URL_ENCODED = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 64 * 2**10
"""Our own forms have a key of 1,024 characters at most, an address and a token."""


class ShortFormParser(FormDataParser):
    """Reads url-encoded forms up to MAX_FORM_BYTES; of others, in parts, Flask bounds the fields and their number."""

    def parse(self, stream: IO[bytes], mimetype: str, *more: Any, **options: Any) -> Any:
        """See `FormDataParser.parse`. Raises RequestEntityTooLarge."""
        if mimetype == URL_ENCODED:
            data = stream.read(MAX_FORM_BYTES + 1)
            if len(data) > MAX_FORM_BYTES:
                raise RequestEntityTooLarge
            stream = io.BytesIO(data)
        return super().parse(stream, mimetype, *more, **options)


class ShortFormRequest(Request):
    """A request whose `form` is short."""

    form_data_parser_class = ShortFormParser
