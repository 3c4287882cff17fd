"""Packages of nodes from npm. What is asked for is carried out by a worker; the call waits for it."""

import re
import time
from typing import Any

import orjson
from flask import Response

from app.api.face.answers import answer
from app.api.face.auth import require_all_projects
from app.api.face.blueprint import Blueprint
from app.api.face.errors import Refused
from app.api.face.long_calls import place_of
from app.api.face.paths import require_id
from app.api.face.services import database, reading, services
from app.notation import time_text
from app.repository import node_package_wishes, node_packages, workers
from app.repository.errors import Conflict, NodePackageNotFound
from app.repository.node_package_wishes import Wish, WishOutcome
from app.repository.node_packages import NodePackage
from app.schemas.packages import NAME, NewPackage, PackageChange, PackageSchema

blueprint = Blueprint("packages", __name__, url_prefix="/api/v1/community-packages", description="Nodes from npm.")

WAIT_SECONDS = 300.0
"""How long a call waits for a worker; what was asked for is carried out nevertheless."""
POLL_SECONDS = 0.25
NAMED = 10
NAME_PATTERN = re.compile(NAME)


def render(package: NodePackage, failing: set[str]) -> dict[str, Any]:
    """The package object; `failing` are the packages that some worker lacks."""
    return {
        "packageName": package.name,
        "installedVersion": package.version,
        "authorName": package.author_name or "",
        "authorEmail": package.author_email or "",
        "license": package.licence,
        "installedNodes": orjson.loads(package.nodes),
        "createdAt": time_text(package.installed_at),
        "updatedAt": time_text(package.updated_at),
        "failedLoading": package.name in failing,
    }


@blueprint.endpoint("GET", "", scope="communityPackage:list", answer=PackageSchema(many=True))
def get_community_packages() -> Response:
    """List the packages that workers install, in the order of their names."""
    with reading() as connection:
        listed = node_packages.list_packages(connection)
        errors = node_packages.list_errors(connection, lease_seconds=services().settings.lease_seconds)
    failing = {error.package for error in errors}
    return answer([render(package, failing) for package in listed])


@blueprint.endpoint(
    "POST",
    "",
    scope="communityPackage:install",
    body=NewPackage(),
    answer=PackageSchema,
    errors=[409],
    example={"name": "n8n-nodes-evolution-api"},
)
def install_community_package(body: dict[str, Any]) -> Response:
    """Install a package on all workers; not with a key that is limited to a project."""
    require_all_projects()
    name = body["name"]
    with reading() as connection:
        if any(package.name == name for package in node_packages.list_packages(connection)):
            raise Refused(400, f"The package {name} is installed already; PATCH gives it another version")
    return carry_out(Wish(name, body["version"], body["accept_license"]))


@blueprint.endpoint(
    "PATCH",
    "/<path:package_name>",
    scope="communityPackage:update",
    body=PackageChange(),
    body_required=False,
    answer=PackageSchema,
    errors=[404, 409],
    example={"version": "1.0.4"},
)
def update_community_package(body: dict[str, Any], package_name: str) -> Response:
    """Give a package another version, the newest by default; not with a key that is limited to a project."""
    require_all_projects()
    with reading() as connection:
        package = node_packages.get_package(connection, require_name(package_name))
    return carry_out(Wish(package.name, body["version"], body["accept_license"]))


@blueprint.endpoint("DELETE", "/<path:package_name>", scope="communityPackage:uninstall", status=204, errors=[404, 409])
def uninstall_community_package(package_name: str) -> Response:
    """Stop using a package that no active workflow needs; not with a key that is limited to a project."""
    require_all_projects()
    with database() as connection:
        package = node_packages.get_package(connection, require_name(package_name))
        users = node_packages.active_users(connection, package.node_types, limit=NAMED)
        if users:
            named = ", ".join(f"'{workflow}' ({workflow_id})" for workflow_id, workflow in users)
            raise Conflict(f"Active workflows use nodes of {package_name}: {named}. Deactivate them first")
        node_packages.remove_package(connection, package_name)
        node_package_wishes.fulfil(connection, package_name)
    services().packages.refresh()
    return Response(status=204)


def require_name(name: str) -> str:
    """The name in a path. Raises NodePackageNotFound for what is none."""
    return require_id(name, NodePackageNotFound, NAME_PATTERN)


def carry_out(wish: Wish) -> Response:
    """Let a worker do it, and answer when it is done. Raises Refused."""
    place = services().long_calls.installations.taken("installations")
    with place_of(place, "Too many packages are being installed at the moment", retry_after=10):
        with database() as connection:
            if not workers.read_capacity(connection, lease_seconds=services().settings.lease_seconds).workers:
                raise Refused(503, "No worker is there that could install it", {"Retry-After": "10"})
            node_package_wishes.ask(connection, wish)
        await_outcome(wish)
    services().packages.refresh()
    with reading() as connection:
        return answer(render(node_packages.get_package(connection, wish.name), set()))


def await_outcome(wish: Wish) -> None:
    """Wait until a worker has carried it out. Raises Refused when it cannot be done, or takes too long."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (outcome := look(wish)).pending:
        if time.monotonic() > deadline:
            raise Conflict(f"The package {wish.name} is still being installed; GET lists it when it is there")
        time.sleep(POLL_SECONDS)
    if outcome.error is not None:
        with database() as connection:
            node_package_wishes.fulfil(connection, wish.name)
        raise Refused(400, outcome.error)


def look(wish: Wish) -> WishOutcome:
    """What has become of it so far."""
    with reading() as connection:
        return node_package_wishes.read_outcome(connection, wish.name)
