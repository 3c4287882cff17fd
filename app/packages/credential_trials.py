"""Tries credentials of types that packages describe: their test request, proved as they say, without their files.

What a type describes by expressions is evaluated in the sandbox. One that proves itself by a function of its own, or
fetches something first, is tried where its package's files are (app.packages.hosted_trials).
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from app.credentials.masking import Mask
from app.engine.nodes.code.calls import call_of
from app.engine.nodes.http_request import failures
from app.engine.nodes.http_request.authentication import RequestProof, allowed_domains
from app.engine.nodes.shared.answer_bodies import body_of
from app.engine.run.errors import NodeError
from app.engine.run.parameters import Template
from app.engine.sandbox import ExpressionError, Sandbox, SandboxError
from app.outgoing.addresses import AddressRules
from app.outgoing.calls import Answer, Call
from app.outgoing.client import Outgoing
from app.outgoing.failures import network_failures
from app.packages.manifest import Find, PackagedCredential, family_of

Json = dict[str, Any]
Attempt = Callable[[Json, AddressRules], Awaitable[None]]
MAX_ANSWER_BYTES = 2**20
REFUSED = "The service does not take this credential"


def attempt_of(credential: PackagedCredential, find: Find) -> Attempt | None:
    """How a credential of the type is tried: raises NodeError, in which nothing is secret, where it is not taken.

    None where its description does not tell. `find` gives the types that it may extend.
    """
    family = family_of(credential, find)
    proof = next((each.authenticate for each in family if each.authenticate is not None), None)
    test = test_of(credential, find)
    described = isinstance(proof, dict) and proof.get("type") == "generic"
    if not described or test is None or any(each.pre_authentication for each in family):
        return None
    properties = proof.get("properties") if isinstance(proof, dict) else None
    request = test["request"]

    async def attempt(data: Json, addresses: AddressRules) -> None:
        held = {**_defaults(family), **data}
        asked, added = await _fill_expressions([request, properties or {}], held)
        call = _call(asked, added, held)
        answer = await _send(call, addresses)
        problem = problem_of(answer, test)
        if problem is not None:
            raise NodeError(Mask([value for value in held.values() if isinstance(value, str)]).text(problem))

    return attempt


def test_of(credential: PackagedCredential, find: Find) -> Json | None:
    """The test that the type describes, or one that it extends: `request`, and perhaps `rules`; None: there is none.

    `find` gives the types that it may extend.
    """
    test = next((each.test for each in family_of(credential, find) if each.test is not None), None)
    return test if test is not None and isinstance(test.get("request"), dict) else None


def _defaults(family: list[PackagedCredential]) -> Json:
    properties = [each for credential in reversed(family) for each in credential.properties]
    return {str(each.get("name")): copy.deepcopy(each.get("default")) for each in properties}


async def _fill_expressions(values: list[Json], data: Json) -> list[Json]:
    """The values with what their expressions give. Raises NodeError."""
    template = Template(values)
    if template.constant:
        return values
    # `$credentials` is what a type calls it, `$json` what the sandbox does.
    texts = [text.replace("$credentials", "$json").replace("$self", "$json") for text in template.texts]
    scope: Json = {"items": [{"json": data}], "nodes": {}}
    try:
        async with Sandbox(spares=0) as sandbox:
            [row] = await sandbox.evaluate(texts, scope)
    except (ExpressionError, SandboxError) as error:
        raise NodeError("An expression of the type of this credential fails") from error
    filled: list[Json] = template.fill(row)
    return filled


def _call(asked: Json, added: Json, data: Mapping[str, Any]) -> Call:
    """The test request with what proves who calls. Raises NodeError."""
    options = {**asked, "url": asked.get("url") or ""}
    for place in ("headers", "qs", "body"):
        if isinstance(added.get(place), dict):
            options[place] = {**(options.get(place) or {}), **added[place]}
    for name in ("auth", "skipSslCertificateValidation"):
        if added.get(name):
            options[name] = added[name]
    if options.get("baseURL") and not options["url"]:
        options["url"] = options.pop("baseURL")
    try:
        call = call_of(options)
    except (TypeError, ValueError, AttributeError) as error:
        raise NodeError("The test request of this credential has no address") from error
    domains = allowed_domains(dict(data))
    RequestProof(domains=domains).check(call.url, 0)
    secret = frozenset(str(name).lower() for name in (added.get("headers") or {}))
    return replace(call, secret_headers=secret, secret_domains=domains)


async def _send(call: Call, addresses: AddressRules) -> Answer:
    async with Outgoing(addresses, largest_response=MAX_ANSWER_BYTES) as outgoing:
        try:
            return await outgoing.send(call)
        except network_failures(UnicodeEncodeError) as error:
            raise failures.of_exception(error, call.url, 0) from error


def problem_of(answer: Answer, test: Json) -> str | None:
    """Why the answer to the test's request is a refusal; None where it is none."""
    body, rules = body_of(answer, parse=True), test.get("rules")
    for rule in rules if isinstance(rules, list) else []:
        properties = rule.get("properties") if isinstance(rule, dict) else None
        if not isinstance(properties, dict):
            continue
        message = str(properties.get("message") or REFUSED)
        if rule.get("type") == "responseCode" and properties.get("value") == answer.status:
            return message
        told = _value_at(body, properties.get("key"))
        if rule.get("type") == "responseSuccessBody" and told == properties.get("value"):
            return message
    return failures.of_answer(answer, 0, parsed=False).message if answer.status >= 400 else None


def _value_at(body: Any, path: Any) -> Any:
    for step in str(path).split("."):
        body = body.get(step) if isinstance(body, dict) else None
    return body
