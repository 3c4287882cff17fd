"""A security audit of credentials and workflows, in the shape of n8n's report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Response

from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.services import database
from app.repository import audits, clock
from app.repository.audits import AuditedNode, UnusedCredential
from app.repository.connection import Connection
from app.schemas.audits import ANSWER, CATEGORIES, DEFAULT_DAYS, AuditBody

blueprint = Blueprint("audit", __name__, url_prefix="/api/v1/audit", description="What could be safer.")

N8N = "n8n-nodes-base."
SQL_NODES = tuple(
    N8N + name
    for name in (
        "postgres",
        "mySql",
        "microsoftSql",
        "crateDb",
        "questDb",
        "timescaleDb",
        "snowflake",
        "oracleDatabase",
    )
)
FILE_NODES = tuple(N8N + name for name in ("readBinaryFile", "readBinaryFiles", "writeBinaryFile", "readWriteFile"))
RISKY_NODES = tuple(
    N8N + name
    for name in ("code", "function", "functionItem", "executeCommand", "ssh", "httpRequest", "ftp", "git", "n8n")
)
WEBHOOK = N8N + "webhook"


@dataclass(frozen=True, slots=True)
class Section:
    """A kind of finding, and how it reads."""

    title: str
    description: str
    recommendation: str


Found = list[tuple[Section, list[dict[str, Any]]]]

NOWHERE = Section(
    "Credentials not used in any workflow",
    "No workflow uses these credentials. A secret that nobody needs can still be stolen.",
    "Delete them if nothing else needs them.",
)
NOT_ACTIVE = Section(
    "Credentials not used in any active workflow",
    "Only workflows that are not active use these credentials, or none does.",
    "Delete them if those workflows are not going to be activated.",
)
NOT_RECENT = Section(
    "Credentials not used in recently executed workflows",
    "No workflow that uses these credentials has run lately.",
    "Delete them if those workflows are abandoned.",
)
SQL_EXPRESSION = Section(
    'Expressions in "Execute Query" fields in SQL nodes',
    "The query of these nodes is put together by an expression: what comes in from outside may become SQL.",
    'Pass values through "Query Parameters" instead.',
)
SQL_PARAMETERS = Section(
    'Unused "Query Parameters" fields in SQL nodes',
    "These nodes execute a query without parameters: values that are written into its text may become SQL.",
    'Pass values through "Query Parameters".',
)
FILES = Section(
    "Nodes that interact with the filesystem",
    "These nodes read or write files of the machine that runs them.",
    "Let only people whom you trust change these workflows, or remove the nodes.",
)
RISKY = Section(
    "Official risky nodes",
    "These nodes run programs or reach other machines.",
    "Let only people whom you trust change these workflows.",
)
UNPROTECTED = Section(
    "Unprotected webhooks in instance",
    "Everybody who knows the address of these active webhooks can start their workflows.",
    'Choose an "Authentication" for them.',
)


def locate_credential(credential: UnusedCredential) -> dict[str, Any]:
    """Where a credential stands, as n8n's audit names it."""
    return {"kind": "credential", "id": credential.id, "name": credential.name}


def locate_node(node: AuditedNode) -> dict[str, Any]:
    """Where a node stands, as n8n's audit names it."""
    return {
        "kind": "node",
        "workflowId": node.workflow_id,
        "workflowName": node.workflow_name,
        "nodeId": node.id,
        "nodeName": node.name,
        "nodeType": node.type,
    }


def locate_nodes(nodes: Iterable[AuditedNode]) -> list[dict[str, Any]]:
    """The places of these nodes."""
    return [locate_node(node) for node in nodes]


def look_at_credentials(connection: Connection, days: int) -> Found:
    """Credentials that no workflow uses, or none that is active or has run within so many days."""
    since = clock.now(connection) - timedelta(days=days)
    unused = audits.unused_credentials(connection, since=since, project_id=caller().project_id)
    return [
        (NOWHERE, [locate_credential(each) for each in unused if not each.in_any]),
        (NOT_ACTIVE, [locate_credential(each) for each in unused if not each.in_active]),
        (NOT_RECENT, [locate_credential(each) for each in unused if not each.in_recent]),
    ]


def look_at_databases(connection: Connection, _: int) -> Found:
    """SQL that is an expression, or that has none of its values as parameters."""
    found = audits.nodes_of_types(connection, SQL_NODES, project_id=caller().project_id)
    nodes = [node for node in found if node.runs_query]
    return [
        (SQL_EXPRESSION, locate_nodes(node for node in nodes if node.writes_query)),
        (SQL_PARAMETERS, locate_nodes(node for node in nodes if not node.gives_values)),
    ]


def look_at_nodes(connection: Connection, _: int) -> Found:
    """Nodes that can do anything, such as run a program."""
    return [(RISKY, locate_nodes(audits.nodes_of_types(connection, RISKY_NODES, project_id=caller().project_id)))]


def look_at_files(connection: Connection, _: int) -> Found:
    """Nodes that read or write files."""
    return [(FILES, locate_nodes(audits.nodes_of_types(connection, FILE_NODES, project_id=caller().project_id)))]


def look_at_instance(connection: Connection, _: int) -> Found:
    """Webhooks that anybody can call."""
    hooks = audits.nodes_of_types(connection, [WEBHOOK], project_id=caller().project_id)
    return [(UNPROTECTED, locate_nodes(hook for hook in hooks if hook.active and hook.is_open))]


LOOKS: dict[str, Callable[[Connection, int], Found]] = {
    "credentials": look_at_credentials,
    "database": look_at_databases,
    "nodes": look_at_nodes,
    "filesystem": look_at_files,
    "instance": look_at_instance,
}


@blueprint.endpoint(
    "POST",
    "",
    scope="securityAudit:generate",
    body=AuditBody(),
    body_required=False,
    answer=ANSWER,
    example={"additionalOptions": {"categories": ["credentials"], "daysAbandonedWorkflow": 90}},
)
def generate_audit(body: dict[str, Any]) -> Response:
    """Look for what could be safer. The answer holds a report for each category that has findings, or is []."""
    options = body.get("additional_options") or {}
    days = options.get("days_abandoned_workflow") or DEFAULT_DAYS
    reports: dict[str, Any] = {}
    with database() as connection:
        for category in options.get("categories") or CATEGORIES:
            sections = [
                {
                    "title": section.title,
                    "description": section.description,
                    "recommendation": section.recommendation,
                    "location": location,
                }
                for section, location in LOOKS[category](connection, days)
                if location
            ]
            if sections:
                reports[f"{category.capitalize()} Risk Report"] = {"risk": category, "sections": sections}
    return answer(reports or [])
