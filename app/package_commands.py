"""The commands `packages add`, `list`, `update`, `remove` and `sync`: node packages from npm."""

import asyncio
import os
import sys
import time
from collections.abc import Callable

import click
import orjson

from app.command_errors import Command, report_errors
from app.packages.adding import Added, add, check_terms, put_in_place, what_broken_needs
from app.packages.errors import CannotInstall, LicenceNotAccepted
from app.packages.install import Resolved, resolve
from app.packages.licences import TERMS
from app.packages.store import Store
from app.packages.stored_package import to_store
from app.repository import node_package_wishes, node_packages
from app.repository.connection import connect
from app.repository.node_packages import NodePackage
from app.settings import Settings

SHOWN = 10


class PackageGroup(click.Group):
    """A group whose commands end as the others do."""

    command_class = Command


@click.group(cls=PackageGroup)
def packages() -> None:
    """Use node packages from npm: add, list, update and remove them, for all workers at once."""


ACCEPT = click.option(
    "--accept-license", "accepted", is_flag=True, help="Accept n8n's Sustainable Use License, for packages under it."
)


@packages.command("add")
@click.argument("package", metavar="NAME[@VERSION]")
@ACCEPT
def add_package(package: str, accepted: bool) -> None:
    """Install a node package, here and on every worker.

    The newest version unless one is named. Its scripts are not run. Each worker installs the same files by itself,
    from npm, within seconds. Next: use its nodes in a workflow.
    """
    name, version = split(package)
    accepts = Acceptance(accepted)
    with report_errors():
        settings = Settings.from_environment(os.environ)
        with connect(settings.direct_url, autocommit=True) as connection:
            before = {each.name: each for each in node_packages.list_packages(connection)}.get(name)
            locks = [each.lock for each in node_packages.read_locks(connection, [name])]
        added = bring(settings, find(name, version or "latest", accepts), accepts)
        put(settings, added)
    if before is None:
        done = "Added"
    elif before.version != added.resolved.version:
        done = f"Replaced {before.version} by"
    else:
        done = "Already added:" if locks == [added.resolved.lock] else "Installed again"
    click.echo(f"{done} {name}@{added.resolved.version}")
    tell_what_it_offers(added)


@packages.command("update")
@click.argument("name", required=False)
@click.option("--to", "version", default="latest", show_default=True, help="The version to have.")
@ACCEPT
def update_packages(name: str | None, version: str, accepted: bool) -> None:
    """Have the newest version of the package NAME, or of all; --to names another one.

    Executions that run go on with the version that they began with.
    """
    if name is None and version != "latest":
        raise click.ClickException("--to needs the NAME of one package")
    with report_errors():
        settings = Settings.from_environment(os.environ)
        with connect(settings.direct_url, autocommit=True) as connection:
            listed = [node_packages.get_package(connection, name)] if name else node_packages.list_packages(connection)
    failed = 0
    accepts = Acceptance(accepted)
    for each in listed:
        try:
            with report_errors():
                resolved = find(each.name, version, accepts)
                if resolved.version == each.version:
                    click.echo(f"{each.name} is at {each.version} already")
                    continue
                added = bring(settings, resolved, accepts)
                put(settings, added)
        except click.ClickException as error:
            if name is not None:
                raise
            failed += 1
            click.echo(f"{each.name} stays at {each.version}: {error.message}", err=True)
            continue
        click.echo(f"{each.name} {each.version} -> {resolved.version}")
        tell_broken(added)
    if not listed:
        click.echo("No packages are installed. Next: `flask packages add NAME`")
    if failed:
        raise SystemExit(1)


@packages.command("list")
def list_packages() -> None:
    """Print each package's name, version, licence and number of nodes, and which worker lacks it why."""
    with report_errors():
        settings = Settings.from_environment(os.environ)
        with connect(settings.direct_url, autocommit=True) as connection:
            listed = node_packages.list_packages(connection)
            errors = node_packages.list_errors(connection, lease_seconds=settings.lease_seconds)
    for each in listed:
        count = len(orjson.loads(each.nodes))
        click.echo(f"{each.name}\t{each.version}\t{each.licence}\t{count} {'node' if count == 1 else 'nodes'}")
    for error in errors:
        click.echo(f"The worker on {error.hostname} lacks {error.package}: {error.message}", err=True)
    if not listed:
        click.echo("No packages are installed. Next: `flask packages add NAME`", err=True)


@packages.command("remove")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also where active workflows use its nodes.")
def remove_package(name: str, force: bool) -> None:
    """Stop using the package NAME, on all workers.

    Refused while active workflows use its nodes. Credentials of its types stay as they are.
    """
    with report_errors():
        settings = Settings.from_environment(os.environ)
        with connect(settings.direct_url) as connection:
            package = node_packages.get_package(connection, name)
            users = node_packages.active_users(connection, package.node_types, limit=SHOWN + 1)
            if users and not force:
                raise click.ClickException(explain_use(package, users))
            node_packages.remove_package(connection, name)
            node_package_wishes.fulfil(connection, name)
    click.echo(f"Removed {name}. Workers stop using it within seconds, and delete its files later")


@packages.command("sync")
def sync_packages() -> None:
    """Install on this machine what is listed, as workers do when they start. Use it to prepare an image."""
    failed = 0
    with report_errors():
        settings = Settings.from_environment(os.environ)
        store = Store(settings.home)
        with connect(settings.direct_url, autocommit=True) as connection:
            listed = node_packages.list_packages(connection)
            locks = node_packages.read_locks(connection, [each.name for each in listed])
    licences = {each.name: each.licence for each in listed}
    for lock in locks:
        resolved = Resolved(lock.name, lock.version, lock.integrity, licences[lock.name], lock.lock)
        try:
            asyncio.run(put_in_place(store, resolved, tell=teller(lock.name)))
            click.echo(f"{lock.name}@{lock.version} is installed")
        except CannotInstall as error:
            failed += 1
            click.echo(f"{lock.name}@{lock.version} is not: {error}", err=True)
    if not locks:
        click.echo("No packages are listed")
    if failed:
        raise SystemExit(1)


def split(package: str) -> tuple[str, str | None]:
    """Name and version of what somebody typed: `name`, `name@version`, `@scope/name@version`."""
    name, at, version = package.rpartition("@")
    return (name, version) if at and name else (package, None)


class Acceptance:
    """Whether n8n's licence is accepted: as said with the command, else by whoever sits at a terminal, asked once."""

    def __init__(self, given: bool) -> None:
        self.given = given

    def __call__(self, restricted: list[str]) -> bool:
        """Whether `restricted`, the names of packages under that licence, may be installed; none always may."""
        if restricted and not self.given and sys.stdin.isatty():
            self.given = click.confirm(f"{', '.join(restricted[:SHOWN])}: under {TERMS}. Accept?", err=True)
        return self.given or not restricted


def find(name: str, version: str, accepts: Acceptance) -> Resolved:
    """What npm finds under this name and version. That a package is under n8n's licence is said first."""
    try:
        if not accepts.given:
            try:
                asyncio.run(check_terms(name, version, tell=teller(name)))
            except LicenceNotAccepted:
                if not accepts([name]):
                    raise
        return asyncio.run(resolve(name, version, tell=teller(name)))
    except CannotInstall as error:
        raise click.ClickException(str(error)) from error


def bring(settings: Settings, resolved: Resolved, accepts: Acceptance) -> Added:
    """Install a package on this machine, telling how far it is; asks on a terminal for a licence that needs it."""

    click.echo(f"{resolved.name}@{resolved.version}, licence: {resolved.licence}", err=True)
    try:
        return asyncio.run(add(Store(settings.home), resolved, accepts=accepts, tell=teller(resolved.name)))
    except CannotInstall as error:
        raise click.ClickException(str(error)) from error


def put(settings: Settings, added: Added) -> None:
    """Let all machines use a package."""
    with connect(settings.direct_url) as connection:
        node_packages.put_package(connection, to_store(added))
        node_package_wishes.fulfil(connection, added.resolved.name)


def teller(name: str) -> Callable[[str], None]:
    """Prints how far it is, with the seconds that it took so far."""
    began = time.monotonic()
    return lambda text: click.echo(f"  {time.monotonic() - began:4.0f} s  {name}: {text}", err=True)


def tell_what_it_offers(added: Added) -> None:
    """Say which nodes there are now, what is broken, and what to do next."""
    types = [node.type for node in added.manifest.nodes]
    more = f" and {len(types) - SHOWN} more" if len(types) > SHOWN else ""
    click.echo(f"Nodes: {', '.join(types[:SHOWN]) or 'none'}{more}")
    if added.manifest.credentials:
        names = [each.name for each in added.manifest.credentials]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        click.echo(f"Credentials: {', '.join(names[:SHOWN])}{more}")
    tell_broken(added)
    click.echo("Next: use them in a workflow. Workers that run have the package within seconds (`flask doctor`)")


def tell_broken(added: Added) -> None:
    """Name the files that cannot be loaded."""
    for broken in added.manifest.broken:
        click.echo(f"Cannot be loaded: {broken.file}: {broken.message.splitlines()[0]}", err=True)
    if added.manifest.broken:
        advice = what_broken_needs(added.manifest)
        click.echo(f"The other files of the package work. {advice}: {added.resolved.name}@VERSION", err=True)


def explain_use(package: NodePackage, users: list[tuple[str, str]]) -> str:
    """Why a package cannot be removed."""
    named = ", ".join(f"{name} ({workflow_id})" for workflow_id, name in users[:SHOWN])
    more = " and more" if len(users) > SHOWN else ""
    return (
        f"Active workflows use nodes of {package.name}: {named}{more}. Deactivate them first, or remove it with --force"
    )
