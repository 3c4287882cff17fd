"""The types of credentials that are known here: one module each, discovered in this folder."""

from importlib import import_module
from pkgutil import iter_modules

from app.credentials.credential_type import CredentialType

TYPES: dict[str, CredentialType] = {
    kind.name: kind for kind in (import_module(f"{__name__}.{module.name}").TYPE for module in iter_modules(__path__))
}
"""By name."""


def type_of(name: str) -> CredentialType:
    """The type of this name; one that no node here uses is open."""
    return TYPES.get(name) or CredentialType(name, {}, open=True)
