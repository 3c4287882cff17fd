"""Keys and certificates in PEM, as people paste them: also all on one line, or with their line breaks spelled out."""

import re

_HEAD = re.compile(r"-----BEGIN [A-Z0-9 ]++-----")
_END = re.compile(r"-----END [A-Z0-9 ]++-----")
LINE_CHARACTERS = 64


def unfold(text: str) -> str:
    """The text with each block's lines as PEM wants them; text without any block as it is."""
    text = text.replace("\\n", "\n")
    pieces: list[str] = []
    position = 0
    while (head := _HEAD.search(text, position)) and (end := _END.search(text, head.end())):
        pieces += [text[position : head.start()], _block(head[0], text[head.end() : end.start()], end[0])]
        position = end.end()
    return "".join([*pieces, text[position:]])


def _block(head: str, body: str, end: str) -> str:
    if ":" in body:  # headers of an encrypted key have lines of their own, which cannot be told from one line
        return head + body + end
    packed = "".join(body.split())
    lines = [packed[at : at + LINE_CHARACTERS] for at in range(0, len(packed), LINE_CHARACTERS)]
    return "\n".join([head, *lines, end])
