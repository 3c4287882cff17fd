"""The types of credentials that nodes here can use: one module each, discovered in this folder."""

from importlib import import_module
from pkgutil import iter_modules

from app.credentials.credential_type import CredentialType

TYPES: dict[str, CredentialType] = {
    kind.name: kind for kind in (import_module(f"{__name__}.{module.name}").TYPE for module in iter_modules(__path__))
}
"""By name."""
