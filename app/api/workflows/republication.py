"""Whether the triggers of an imported workflow start what was imported."""

from collections.abc import Mapping
from typing import Any

from app.api.face.auth import allows, caller
from app.api.face.errors import Refused
from app.api.workflows.publication import publish, unpublish
from app.repository.errors import RepositoryError
from app.schemas.workflows import UnusableWorkflow
from app.triggers import InvalidTrigger

PRESERVE = "preserve-published-state"


def apply_policy(
    policy: str, one: dict[str, Any], published: Mapping[str, bool], needs_stubs: bool, *, active: bool
) -> dict[str, Any]:
    """Do as the policy says with a workflow that was just stored; what the answer says of it then.

    `published` as the package has it, `active` as it was here before, `needs_stubs`: it could not run as it is.
    """
    wanted = None if one["status"] == "skipped" else wanted_state(policy, one, published, active=active)
    if wanted is None or (not wanted and not active):
        return {"publishing": {"state": "unchanged"}}
    if wanted and needs_stubs:
        reason = "stub-credential"
        told = {"state": "unchanged", "skippedPublishReason": reason} if active else {"state": "blocked"}
        return {"publishing": told if active else {**told, "blockedReason": reason}}
    try:
        shown = publish(one["localId"], {}) if wanted else unpublish(one["localId"])
    except (UnusableWorkflow, InvalidTrigger, RepositoryError, Refused) as problem:
        return {"publishing": {"state": "failed", "error": str(problem)}}
    state = "published" if wanted else "unpublished"
    return {"publishing": {"state": state}, "activeVersionId": (shown.json or {}).get("activeVersionId")}


def wanted_state(policy: str, one: dict[str, Any], published: Mapping[str, bool], *, active: bool) -> bool | None:
    """True: to be published as it is now; False: not at all; None: as it is."""
    there = published.get(one["sourceWorkflowId"])
    if policy == PRESERVE:
        return True if active and there and allows(caller(), "workflow:activate") else None
    return {"publish-all": True, "unpublish-all": False}.get(policy, there)
