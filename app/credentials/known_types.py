"""What is known of types that extend OAuth's: well-known services, and what node packages define, which comes first."""

from collections.abc import Callable, Mapping
from typing import Any

from app.credentials.completion import Definition, Definitions, Evaluate, complete, extends, fields_behind
from app.credentials.services import SERVICES, own_addresses, wants_scope
from app.credentials.tokens import IDENTITY

OAUTH2, OAUTH1, SERVICE_ACCOUNT = "oAuth2Api", "oAuth1Api", "googleApi"


def no_definitions() -> Definitions:
    """What is defined where there are no packages."""
    return {}


class KnownTypes:
    """The types of credentials that tokens are got for.

    `packages` gives the definitions of installed packages as they are now, None while nobody knows them; `evaluate` is
    theirs as well.
    """

    def __init__(
        self, packages: Callable[[], Definitions | None] = no_definitions, evaluate: Evaluate | None = None
    ) -> None:
        self._packages = packages
        self._evaluate = evaluate

    def protocol(self, kind: str) -> str | None:
        """`oAuth2Api`, `oAuth1Api` or `googleApi`, which the type is or extends; None: no token is got for it."""
        return protocol_of(kind, self._definitions())

    def complete(self, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data with what its type adds to it."""
        given = {**own_addresses(kind, data), **data} if kind not in self._of_packages() else data
        return complete(kind, given, self._definitions(), self._evaluate)

    def identity(self, kind: str) -> frozenset[str] | None:
        """The fields that say whose client asks which provider: tokens that were got with others of them are worth
        nothing, and must not be sent. None: nobody knows which, so it may be any of them.

        May wait until packages are known, so not within a transaction.
        """
        packages = self._packages()
        definitions = {**SERVICES, **(packages or {})}
        if packages is None or protocol_of(kind, definitions) is None:
            return None
        return fields_behind(kind, IDENTITY, definitions)

    def wants_scope(self, kind: str) -> bool:
        """Whether the service wants to be told scopes, and nobody has defined any."""
        return kind not in self._of_packages() and wants_scope(kind)

    def _definitions(self) -> dict[str, Definition]:
        return {**SERVICES, **self._of_packages()}

    def _of_packages(self) -> Definitions:
        return self._packages() or {}


def protocol_of(kind: str, definitions: Definitions) -> str | None:
    """See `KnownTypes.protocol`."""
    return next((parent for parent in (OAUTH2, OAUTH1, SERVICE_ACCOUNT) if extends(kind, parent, definitions)), None)
