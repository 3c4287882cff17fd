"""Guesses the charset of a text of which nothing is known, by the statistics of chardet.

Knows bytes. chardet is imported where it is first needed: it loads its statistics of all languages.
"""

import re

SAMPLE_BYTES = 16 * 2**10
"""How much of a text is looked at."""
WESTERN = "cp1252"
CENTRAL_OR_WESTERN = (WESTERN, "cp1250", "iso8859-2", "cp1254")
CHARSETS = (
    *CENTRAL_OR_WESTERN,
    *("cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp1253", "iso8859-7", "cp1255", "iso8859-8", "cp1256", "iso8859-6"),
    *("cp874", "cp932", "euc_jis_2004", "iso2022_jp_2", "cp949", "big5hkscs", "gb18030"),
    *("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"),
)
"""Those that files of today are found in: of more of them, rare ones would be taken for common ones."""
WESTERN_ADVANTAGE = 1.25
"""A few letters with accents look alike in every Latin charset; most such files are Western."""
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_NO_LATIN_LETTER = re.compile("[^\x00-\x7fÀ-ÖØ-öø-ÿŒœŠšŽžŸ¿¡«»°€£§\u2018-\u201a\u201c-\u201e\u2013\u2014\u2026·\xa0]")


def likely_charset(sample: bytes) -> str | None:
    """Python's name for it; None where the bytes seem to be no text at all."""
    import chardet  # of all that is read, little has to be guessed

    asked = CENTRAL_OR_WESTERN if _seems_latin(sample) else CHARSETS
    matches = chardet.detect_all(
        sample,
        ignore_threshold=True,
        max_bytes=max(1, len(sample)),
        prefer_superset=False,
        compat_names=False,
        include_encodings=asked,
        no_match_encoding=WESTERN,
    )
    scores = {match["encoding"]: match["confidence"] for match in matches}
    if asked is CENTRAL_OR_WESTERN and WESTERN in scores:
        scores[WESTERN] *= WESTERN_ADVANTAGE
    return max(scores, key=scores.__getitem__)


def _seems_latin(sample: bytes) -> bool:
    """Whether letters with accents stand among those of ASCII, where other scripts have them in rows."""
    runs = [len(run) for run in _BEYOND_ASCII.findall(sample)]
    if not runs or 2 * sum(run for run in runs if run >= 3) >= sum(runs):
        return False
    return _NO_LATIN_LETTER.search(sample.decode(WESTERN, "replace")) is None
