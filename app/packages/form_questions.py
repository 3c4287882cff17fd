"""The protocol by which the API gets what a package's node offers in forms, and its errors."""

from collections.abc import Hashable
from typing import Any, Protocol

SECONDS = 30.0
"""So long a node may take to answer."""


class NotOffered(Exception):
    """No package has such choices; the message says what is missing."""


class NodeRefused(Exception):
    """The node gave no choices; the message is in its words."""


class NobodyAnswers(Exception):
    """No worker has answered in time; the message says why."""


class TooManyQuestions(Exception):
    """As many are asked at the moment as may be, by all or by this one."""


class NodeChoices(Protocol):
    """Answers what forms ask of the nodes of packages."""

    def find(self, project_id: str, node_type: str, question: dict[str, Any], asked_by: Hashable) -> bytes:
        """The choices as JSON, with the credentials of the project. Whoever asks has a share of the places.

        The question has `kind` (the end of the endpoint's path), `version`, `method` or None, `path`, `filter`,
        `paginationToken`, `parameters` and `credentials`. Raises NotOffered, NodeRefused, NobodyAnswers,
        TooManyQuestions.
        """
