"""What is masked: every text that holds a secret, in whatever way it is written, and nothing else."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.credentials.masking import HIDDEN, SHORT, Mask

TOKEN = "Basic dXNlcjpwYXNzd29yZA=="
SECRETS = [
    TOKEN,
    'quo"ted\\back\nslash',
    "\\\\\\\\starts-with-escapes",
    "ümläut-€-secret",
    "12345678",
    "true,false",
    "[1,2,3,4]",
    '","x":"y',
    "nnnnnnnn",
    "\\nnnnnnnnn",
    "::::::::",
]
ENCODERS = [orjson.dumps, lambda value: json.dumps(value, separators=(",", ":")).encode()]


def replaced(value: Any, secret: str) -> Any:
    """What masking must come to, by way of the decoded value."""
    if isinstance(value, str):
        return value.replace(secret, HIDDEN) if len(secret) >= SHORT else (HIDDEN if value == secret else value)
    if isinstance(value, list):
        return [replaced(entry, secret) for entry in value]
    if isinstance(value, dict):
        keys = (lambda key: replaced(key, secret)) if len(secret) >= SHORT else (lambda key: key)
        return {keys(key): replaced(entry, secret) for key, entry in value.items()}
    return value


@pytest.mark.parametrize("encode", ENCODERS)
@pytest.mark.parametrize("secret", [*SECRETS, "a", "1", ",", '"', "\\", "n", "secret", "null"])
def test_it_is_hidden_wherever_it_is_a_text(secret: str, encode) -> None:
    value = {
        "headers": {"authorization": secret, "other": "a"},
        "copied": f"it was {secret}, and {secret}{secret}",
        "escaped": f'\n"{secret}\\{secret}\\\\{secret}\n',
        "listed": [secret, [secret], 12345678, 1, True, None, [1, 2, 3, 4], "", "\\", "x"],
        "x": "y",
        "misaligned": "\nnnnnnnn \\\\\\\\\\",
    }
    if secret.startswith("\\"):
        del value["escaped"]  # a backslash before it makes it the same as the secret within a text of JSON
    assert orjson.loads(Mask([secret]).json(encode(value))) == replaced(value, secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_it_is_hidden_in_json_that_is_a_text(secret: str) -> None:
    value = {"text": orjson.dumps({"a": secret}).decode()}
    [text] = orjson.loads(Mask([secret]).json(orjson.dumps(value))).values()
    assert orjson.loads(text) == {"a": HIDDEN}
    assert orjson.loads(Mask([secret]).text(value["text"])) == {"a": HIDDEN}
    assert orjson.loads(orjson.loads(Mask([secret]).text(orjson.dumps(value).decode()))["text"]) == {"a": HIDDEN}


@pytest.mark.parametrize("encode", [json.dumps, lambda value: orjson.dumps(value).decode()])
@pytest.mark.parametrize("secret", SECRETS)
def test_it_is_hidden_in_texts_of_json_in_texts_of_json(secret: str, encode) -> None:
    """As the body of a request that is shown in the error of the request that quotes it."""
    text = encode({"a": secret})
    for _ in range(2):
        text = encode([text])
        masked = orjson.loads(Mask([secret]).json(orjson.dumps(text)))
        while not isinstance(masked, dict):
            masked = masked[0] if isinstance(masked, list) else orjson.loads(masked)
        assert masked == {"a": HIDDEN}


def test_the_longest_goes_first_and_texts_are_masked_alike() -> None:
    mask = Mask(["dXNlcjpwYXNzd29yZA==", TOKEN, "short", ""])
    assert mask.json(orjson.dumps([TOKEN, TOKEN[6:], "short", "shorter"])) == orjson.dumps(
        [HIDDEN, HIDDEN, HIDDEN, "shorter"]
    )
    assert mask.text(f"Error: {TOKEN} and {TOKEN[6:]}") == f"Error: {HIDDEN} and {HIDDEN}"
    assert (mask.text("short"), mask.text("shorter")) == (HIDDEN, "shorter")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("....." + TOKEN[:15], "....." + HIDDEN),
        ("😀😀" + TOKEN[:16], "😀😀" + HIDDEN),
        ("-" * 13 + 'quo\\"te', "-" * 13 + HIDDEN),
        ("-" * 17 + TOKEN[:3], "-" * 17 + TOKEN[:3]),
        ("-" * 14 + TOKEN[:5], "-" * 14 + TOKEN[:5]),
        (TOKEN + "-" * 20, HIDDEN + "-" * 20),
    ],
)
def test_of_a_text_that_was_cut_the_beginning_of_a_secret_is_hidden(text: str, shown: str) -> None:
    assert Mask([TOKEN, SECRETS[1]]).cut_text(text, 20) == shown


def test_without_secrets_nothing_changes() -> None:
    data = orjson.dumps({"a": ""})
    assert Mask([""]).json(data) is data
    assert not Mask([""])


PIECES = st.text(st.sampled_from('\\"n,:1[]{}tau€ b\n'), max_size=12)


@given(
    secret=st.text(st.sampled_from('\\"n,:1[]{}tau€b\n'), min_size=1, max_size=10),
    value=st.recursive(
        PIECES | st.integers(0, 10**12) | st.booleans() | st.none(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PIECES, inner, max_size=4),
        max_leaves=12,
    ),
    glue=PIECES,
)
def test_whatever_is_recorded_stays_json_and_loses_the_secret(secret: str, value: Any, glue: str) -> None:
    whole = [value, secret, glue + secret + glue, {"k": secret}]
    assert orjson.loads(Mask([secret]).json(orjson.dumps(whole))) is not None
    shown = orjson.loads(Mask([secret]).json(orjson.dumps(whole)))
    assert shown[1] == HIDDEN
    assert shown[3] == {"k": HIDDEN}
