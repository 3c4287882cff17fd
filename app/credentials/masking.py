"""Masks, in what is recorded of a run, what proved the caller of its webhook.

The JSON is not parsed: texts are found by their encoded forms, so that much data costs little.
"""

import json
from collections.abc import Iterable, Iterator

from app.json_sizes import STRING

HIDDEN = "**hidden**"
SHORT = 8
"""A shorter secret is masked where it is a whole text only: parts of other texts look like it by chance."""
LEAST_BEGUN = 4
"""Less than that of a secret's beginning stands at the end of other texts by chance."""
LEVELS = 4
"""Of JSON: what is recorded, a text in it, and what is quoted by those."""
# What JSON consists of outside of its texts. A secret of nothing else may look like numbers, or what is between texts.
OUTSIDE_TEXTS = frozenset(b'{}[],:"+-.0123456789eEtrufalsn \t\r\n')


class Mask:
    """Hides these secrets; without any it changes nothing."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def text(self, text: str) -> str:
        """The text without the secrets, also where it is JSON."""
        for secret in self._secrets:
            if len(secret) >= SHORT:
                for form in texts_of(secret):
                    text = text.replace(form, HIDDEN)
            elif text == secret:
                text = HIDDEN
        return text

    def cut_text(self, text: str, limit: int) -> str:
        """As `text`, for a text that JavaScript cuts to `limit` of its characters: also without the beginning of a
        secret that stood where it was cut."""
        if self and len(text.encode("utf-16-le", "surrogatepass")) // 2 >= limit:
            long = [secret for secret in self._secrets if len(secret) >= SHORT]
            begun = max((begun_length(text, form) for secret in long for form in texts_of(secret)), default=0)
            text = text[:-begun] + HIDDEN if begun else text
        return self.text(text)

    def json(self, data: bytes) -> bytes:
        """Encoded JSON, without spaces between its parts, with the secrets masked in its texts."""
        for secret in self._secrets:
            for form in forms(secret):
                if form in data:
                    data = mask_texts(data, form, entire=len(secret) < SHORT)
        return data


def texts_of(secret: str) -> list[str]:
    """How a text stands in another: as it is, and in all ways of JSON."""
    return sorted({secret, *json_forms(secret)}, key=len, reverse=True)


def forms(secret: str) -> list[bytes]:
    """How a text stands within encoded JSON."""
    encoded = {form.encode("utf-8", "surrogatepass") for form in json_forms(secret)}
    return sorted(encoded, key=len, reverse=True)


def json_forms(secret: str) -> set[str]:
    """How a text is written within JSON, as it is or in ASCII, and the same within JSON that is itself a text, down to
    LEVELS of those. All are one for a secret of usual characters."""
    found, written = set[str](), {secret}
    for _ in range(LEVELS):
        written = {json.dumps(form, ensure_ascii=ascii)[1:-1] for form in written for ascii in (False, True)}
        found |= written
    return found


def begun_length(text: str, secret: str) -> int:
    """How many characters at the end of the text are the beginning of a secret: LEAST_BEGUN at least, or none."""
    end, least = text[-len(secret) :], secret[:LEAST_BEGUN]
    place = end.find(least)
    while place >= 0 and not secret.startswith(end[place:]):
        place = end.find(least, place + 1)
    return len(end) - place if place >= 0 else 0


def mask_texts(data: bytes, form: bytes, *, entire: bool) -> bytes:
    """The data with each of these texts, or parts of texts, replaced."""
    if form[:1] == b"\\" or OUTSIDE_TEXTS.issuperset(form):
        return replace_places(data, in_texts(data, form, entire=entire), len(form))
    if not entire:
        return replace_places(data, places(data, form), len(form))
    quoted = b'"' + form + b'"'
    values = (place for place in places(data, quoted) if not is_key(data, place + len(quoted)))
    return replace_places(data, (place + 1 for place in values), len(form))


def is_key(data: bytes, end: int) -> bool:
    """Whether the text that ends here names a field."""
    return data[end : end + 1] == b":"


def places(data: bytes, form: bytes) -> Iterator[int]:
    """Where the form stands, but for where it begins in the middle of an escaped character."""
    place = data.find(form)
    while place >= 0:
        before = place
        while before and data[before - 1] == ord("\\"):
            before -= 1
        aligned = (place - before) % 2 == 0
        if aligned:
            yield place
        place = data.find(form, place + (len(form) if aligned else 1))


def in_texts(data: bytes, form: bytes, *, entire: bool) -> Iterator[int]:
    """The same, slowly, for a form that can stand outside of texts as well: each text is looked at."""
    for match in STRING.finditer(data):
        start, text = match.start() + 1, match.group()[1:-1]
        if entire:
            if text == form and not is_key(data, match.end()):
                yield start
        elif form in text:
            yield from (start + place for place in characters(text, form))


def characters(text: bytes, form: bytes) -> Iterator[int]:
    """Where the form begins in a text, at the beginning of a character."""
    place, skipped = 0, 0
    while (start := text.find(form, place)) >= 0:
        # An escaped character is two bytes or more, of which the second belongs to the first.
        while skipped < start:
            skipped += 2 if text[skipped] == ord("\\") else 1
        if skipped == start:
            yield start
            skipped = place = start + len(form)
        else:
            place = start + 1


def replace_places(data: bytes, starts: Iterable[int], length: int) -> bytes:
    """The data with `length` bytes at each of these places replaced."""
    parts, rest = [], 0
    for start in starts:
        parts += [data[rest:start], HIDDEN.encode()]
        rest = start + length
    return b"".join([*parts, data[rest:]]) if parts else data
