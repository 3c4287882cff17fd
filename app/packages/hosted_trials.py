"""Tries credentials in the process of their package: of types that prove themselves by code, or fetch a token first."""

from __future__ import annotations

from typing import Any

from app.engine.nodes.http_request.authentication import allowed_domains
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.outgoing.calls import Answer
from app.packages.credential_trials import REFUSED, problem_of, test_of
from app.packages.host_calls import call_host
from app.packages.runtime import PackageRuntime
from app.packages.surroundings import Surroundings
from app.packages.tokens import Tokens

Json = dict[str, Any]
SECONDS = 10.0
UNKNOWN = "No package of this worker has this type of credential"


async def problem_of_credential(packages: PackageRuntime, context: NodeContext, kind: str) -> str | None:
    """Why the service does not take the node's credential of that type, None when it does; no secret is in it.

    A token that is fetched for it is the credential's from then on. Raises NodeError; nothing in it is secret either.
    """
    credential = packages.credential(kind)
    test = None if credential is None else test_of(credential, packages.credential)
    tester = packages.tester(kind) if test is None else None
    if test is None and tester is None:
        raise NodeError(UNKNOWN)
    types = packages.credential_types([kind])
    domains = allowed_domains(await context.credential(kind))
    surroundings = Surroundings(context, types, Tokens(1), packages.describe, domains=domains)
    request: Json = {"kind": "testCredential", "type": kind, "credentialTypes": types}
    if tester is not None:
        request |= {"package": tester[0], "method": tester[1]}
    answer = await call_host(packages.host, context, surroundings, request, service_seconds=SECONDS, awaited=True)
    problem = _problem_in(answer, test or {})
    return None if problem is None else surroundings.mask.text(problem)


def _problem_in(said: Json, test: Json) -> str | None:
    """What the process says came of it."""
    if (verdict := said.get("verdict")) is not None:
        return None if verdict.get("status") == "OK" else str(verdict.get("message") or REFUSED)
    answer = said.get("answer")
    if not isinstance(answer, dict):
        error = said.get("error")
        return str((error if isinstance(error, dict) else {}).get("message") or "Unknown error")
    body, status = answer.get("body"), answer.get("status")
    text = body if isinstance(body, str) else "" if body is None else conversions.to_json_text(body)
    number = status if isinstance(status, int) else 0
    made = Answer(number, str(answer.get("reason") or ""), {}, text.encode(errors="replace"), "")
    return problem_of(made, test)
