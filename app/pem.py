"""Keys and certificates in PEM, as people paste them: also all on one line, or with their line breaks spelled out."""

import re

_BLOCK = re.compile(r"(-----BEGIN [A-Z0-9 ]+-----)(.*?)(-----END [A-Z0-9 ]+-----)", re.DOTALL)


def unfold(text: str) -> str:
    """The text with each block's lines as PEM wants them; text without any block as it is."""
    text = text.replace("\\n", "\n")

    def lines(match: re.Match[str]) -> str:
        head, body, end = match.groups()
        if ":" in body:  # headers of an encrypted key have lines of their own, which cannot be told from one line
            return match[0]
        packed = "".join(body.split())
        return "\n".join([head, *(packed[at : at + 64] for at in range(0, len(packed), 64)), end])

    return _BLOCK.sub(lines, text)
