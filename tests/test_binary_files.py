"""Files in base64: written and read piece by piece as at one go."""

import base64

import pytest

from app import binary_files
from app.binary_files import decode_base64, encode_base64

TEXTS = ["", "QUJD", "QUJDREVGR0hJSktM" * 5, "QUJDREVGR0hJSg==", "QUJDREVGRw==R0hJSktM", "QUJD=REVGR0hJSktMTU5P", "YQ"]
TEXTS += ["-_-_" * 7, "QU JD\nRE VG" * 5, "QUJDé" * 6, "QUJDREVGR0hJSktMTU5PU", "QUJDREVGR0hJSktMTU5PUFE", "=" * 20]


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_are_decoded_as_the_whole(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    whole = decode_base64(text)
    monkeypatch.setattr(binary_files, "PIECE", 6)
    assert decode_base64(text) == whole


def test_pieces_are_encoded_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary_files, "PIECE", 6)
    for size in range(20):
        content = bytes(range(200, 200 + size))
        assert encode_base64(content) == base64.b64encode(content).decode()


def test_what_node_leaves_out_is_left_out() -> None:
    assert decode_base64("QUJD=REVG") == b"ABC"
    assert decode_base64("QU JD\n-_8") == b"ABC\xfb\xff"
