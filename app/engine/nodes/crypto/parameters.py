"""What Crypto cannot do without, action by action."""

from typing import Any

from app.engine.nodes.shared.issues import Required, RequiredCredential, credentials, rules

DIGESTS = ["hash", "hmac"]
CIPHERS = ["encrypt", "decrypt"]


def _needs(name: str, label: str, actions: list[str], default: Any = "", **shown: Any) -> Required:
    return Required(name, label, default, when={"action": actions, **shown.pop("when", {})}, **shown)


ISSUES = rules(
    _needs("binaryPropertyName", "Binary Property Name", DIGESTS, "data", when={"binaryData": [True]}),
    _needs("type", "Type", ["hash"], "SHA256"),
    _needs("value", "Value", ["hash"], when={"binaryData": [False]}),
    _needs("dataPropertyName", "Property Name", ["hash"], "data"),
    _needs("encoding", "Encoding", ["hash"], "hex"),
    _needs("type", "Type", ["hmac"], "SHA256"),
    _needs("value", "Value", ["hmac"], when={"binaryData": [False]}),
    _needs("dataPropertyName", "Property Name", ["hmac"], "data"),
    _needs("secret", "Secret", ["hmac"], below=2),
    _needs("encoding", "Encoding", ["hmac"], "hex"),
    _needs("value", "Value", ["sign"]),
    _needs("dataPropertyName", "Property Name", ["sign"], "data"),
    _needs("algorithm", "Algorithm Name or ID", ["sign"]),
    _needs("encoding", "Encoding", ["sign"], "hex"),
    _needs("privateKey", "Private Key", ["sign"], below=2),
    _needs("dataPropertyName", "Property Name", ["generate"], "data"),
    _needs("encodingType", "Type", ["generate"], "uuid"),
    _needs("mode", "Mode", CIPHERS, "symmetric", since=2),
    _needs("cipher", "Cipher", CIPHERS, "aes-256-gcm", when={"mode": ["symmetric"]}, since=2),
    _needs("value", "Value", CIPHERS, since=2),
    _needs("dataPropertyName", "Property Name", CIPHERS, "data", since=2),
    defaults={"action": "hash", "binaryData": False, "mode": "symmetric"},
)
CREDENTIALS = credentials(RequiredCredential("crypto", when={"action": ["hmac", "sign", *CIPHERS]}, since=2))
