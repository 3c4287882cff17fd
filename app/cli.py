"""The commands of `flask` and `executions`: each reads the settings, calls one function and prints what to do next.

app.commands loads this module when one of them is called, so each imports what only it needs by itself.
"""

import os
from datetime import UTC, datetime, timedelta

import click

from app import logs
from app.command_errors import Command, Number, report_errors
from app.console_links import link_for, new_link
from app.places import BESIDE, gunicorn
from app.repository import api_keys, users
from app.repository.connection import Connection, connect
from app.repository.console_sessions import LINK_MINUTES
from app.repository.errors import ProjectNotFound
from app.repository.projects import list_projects
from app.scopes import EVERY, SCOPES, unknown_scopes
from app.settings import Settings

MAX_LABEL = 200
"""Characters of what an API key is called."""
MAX_DAYS = 36_525
"""A key lives no longer than a century, unless it has no end."""


class Keys(click.Group):
    """A group whose commands end as the others do."""

    command_class = Command


@click.command(cls=Command)
def up() -> None:
    """Start everything here and keep it running.

    PostgreSQL (unless DATABASE_URL is set), the API and one worker. The first time it imports two demo workflows
    and runs them. Prints the address, the key and what to try. Ctrl-C stops everything; the data stays.
    """
    from app.up import up as bring_up

    as_program = click.get_current_context().command_path == "executions up"
    with report_errors():
        bring_up(os.environ, click.echo, "executions up" if as_program else "make run")


@click.command(cls=Command)
def serve() -> None:
    """Answer HTTP on HOST:PORT with gunicorn.

    Needs a migrated database. Settings of gunicorn's own go into GUNICORN_CMD_ARGS. Next: `flask worker`.
    """
    with report_errors():
        settings = Settings.from_environment(os.environ)
        command = gunicorn()
        # Seen from that folder a relative path would mean something else.
        environ = {**os.environ, "EXECUTIONS_HOME": str(settings.home)}
        os.chdir(BESIDE)
        os.execve(command[0], command, environ)


@click.command(cls=Command)
def migrate() -> None:
    """Bring the database's schema up to date.

    Safe to run again and from several machines at once. Next: `flask keys create`, `flask worker`, gunicorn.
    """
    from app.credentials.keys import GUESSABLE, Key
    from app.migrations import migrate as apply_migrations

    with report_errors():
        settings = Settings.from_environment(os.environ)
        applied = apply_migrations(settings.direct_url)
    for name in applied:
        click.echo(f"Applied {name}")
    if not applied:
        click.echo("The database is up to date")
    if settings.encryption_key is not None and Key.of(settings.encryption_key).is_guessable:
        click.echo(
            f"Warning: EXECUTIONS_ENCRYPTION_KEY could be guessed, as it is {GUESSABLE}: take what "
            "`openssl rand -hex 32` prints before credentials are stored, and keep a copy of it",
            err=True,
        )


@click.command(cls=Command)
def worker() -> None:
    """Claim executions and run them until SIGTERM or Ctrl-C.

    Start as many as you like, on any machine that reaches the database. A stopped one finishes what it runs or
    hands it over to another.
    """
    logs.configure()
    with report_errors():
        settings = Settings.from_environment(os.environ)
        from app.engine.sandbox.errors import SandboxError
        from app.worker import run_worker  # loads the whole engine

        try:
            run_worker(settings)
        except SandboxError as error:
            raise click.ClickException(f"{error}. `flask doctor` says what to do about Node.js") from error


@click.command(cls=Command)
def doctor() -> None:
    """Look this deployment over and say what to do.

    Database, clock, migrations, connections, workers, queue, dead rows. Ends with exit code 1 when something is
    not as it should be.
    """
    from app.doctor import examine

    with report_errors():
        findings = list(examine(Settings.from_environment(os.environ)))
    for finding in findings:
        click.echo(f"{'ok ' if finding.advice is None else 'BAD'}  {finding.subject}: {finding.state}")
        if finding.advice is not None:
            click.echo(f"     -> {finding.advice}")
    if any(finding.advice for finding in findings):
        raise SystemExit(1)


@click.command("console-link", cls=Command)
@click.option("--key", "key_id", metavar="ID", type=click.IntRange(min=1), help="Id of the key that it signs in with.")
def console_link(key_id: int | None) -> None:
    """Print a link that signs in to the console, once.

    It signs in with the key of `make run` or EXECUTIONS_API_KEY, or with the one that is named (`flask keys list`
    lists them). Next: open it in a browser.
    """
    with report_errors():
        settings = Settings.from_environment(os.environ)
        with connect(settings.direct_url) as connection:
            click.echo(link_with(connection, settings, key_id))
    click.echo(f"It signs in once, within {LINK_MINUTES} minutes.", err=True)


def link_with(connection: Connection, settings: Settings, key_id: int | None) -> str:
    """A link for this key, else for the one that the environment or the home folder names."""
    from app.up import API_KEY_FILE, running_address

    # PORT was perhaps said to `make run` alone.
    named = {"EXECUTIONS_WEBHOOK_URL", "PORT"} & os.environ.keys()
    address = settings.webhook_url if named else running_address(settings.home) or settings.webhook_url
    if key_id is not None:
        return link_for(connection, address, key_id)
    file = settings.home / API_KEY_FILE
    key = settings.api_key or (file.read_text("utf-8").strip() if file.exists() else "")
    if not key:
        raise click.ClickException(
            "Which key shall it sign in with? Name one with --key ID; `flask keys list` has them."
        )
    if settings.api_key:
        api_keys.add_standing_key(connection, key)
    return new_link(connection, address, key)


@click.group(cls=Keys)
def keys() -> None:
    """Make, list and revoke API keys, say whose they are, and change the key that credentials are encrypted with."""


def require_label(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Of one line, as `keys list` has a line for each key. Raises BadParameter."""
    if not 1 <= len(value.strip()) <= MAX_LABEL or not value.isprintable():
        raise click.BadParameter(f"it is a name of 1 to {MAX_LABEL} characters, without tabs and line breaks")
    return value


@keys.command("create")
@click.argument("label", callback=require_label)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="What it may do, such as execution:list (`flask keys scopes` lists them). Repeat for more.",
)
@click.option("--project", help="Id of the only project that it sees.")
@click.option("--days", type=Number(min=0, max=MAX_DAYS, min_open=True), help="Days until it expires.")
@click.option("--user", metavar="EMAIL", help="Whose key it is; the owner's otherwise.")
def create_key(label: str, scopes: tuple[str, ...], project: str | None, days: float | None, user: str | None) -> None:
    """Make an API key named LABEL and print it.

    It is shown this once and stored as a hash. Without --scope it may do everything. Next: send it in the header
    X-N8N-API-KEY.
    """
    from app.key_text import new_key

    if wrong := unknown_scopes(scopes):
        from difflib import get_close_matches

        near = get_close_matches(wrong[0], SCOPES, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise click.ClickException(f"{wrong[0]} is not a scope. {hint}`flask keys scopes` lists them.")
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    with report_errors(), connect(Settings.from_environment(os.environ).direct_url) as connection:
        if project and not list_projects(connection, limit=1, project_id=project):
            raise ProjectNotFound
        of = users.get_user(connection, users.Sight(), email=user).id if user else users.owner_id(connection)
        key = new_key(of, expires_at)
        api_keys.create_api_key(
            connection,
            key,
            label=label,
            scopes=scopes or (EVERY,),
            project_id=project,
            expires_at=expires_at,
            user_id=of if user else None,
        )
    click.echo(key)


@keys.command("owner")
@click.argument("email")
@click.option("--first-name", default="Instance", show_default=True)
@click.option("--last-name", default="Owner", show_default=True)
def name_owner(email: str, first_name: str, last_name: str) -> None:
    """Say who owns this instance: clients show it, and GET /users lists it. Next: `flask keys create LABEL`."""
    from marshmallow import ValidationError
    from marshmallow.validate import Email

    try:
        Email()(email)
    except ValidationError:
        raise click.ClickException(f"{email} is not an e-mail address") from None
    with report_errors(), connect(Settings.from_environment(os.environ).direct_url) as connection:
        users.rename_owner(connection, email=email, first_name=first_name, last_name=last_name)


@keys.command("scopes")
def list_scopes() -> None:
    """Print what a key can be allowed to do. Next: `flask keys create LABEL --scope execution:list`."""
    for scope, meaning in SCOPES.items():
        click.echo(f"{scope}\t{meaning}")
    click.echo("execution:*\teverything about executions; likewise for the others")
    click.echo(f"{EVERY}\teverything, as without --scope")


@keys.command("list")
def list_keys() -> None:
    """Print every key's id, label and rights, revoked ones too. Next: `flask keys revoke ID`."""
    with report_errors(), connect(Settings.from_environment(os.environ).direct_url) as connection:
        stored = api_keys.list_api_keys(connection)
    for key in stored:
        state = "revoked" if key.revoked_at else f"expires {_day(key.expires_at)}" if key.expires_at else "valid"
        used = f"used {_day(key.last_used_at)}" if key.last_used_at else "never used"
        project = key.project_id or "every project"
        click.echo("\t".join([str(key.id), key.label, state, used, project, " ".join(key.scopes)]))


@keys.command("revoke")
@click.argument("key_id", metavar="ID", type=click.IntRange(min=1))
def revoke_key(key_id: int) -> None:
    """Make the key with this ID useless. A running API forgets it within seconds."""
    with report_errors(), connect(Settings.from_environment(os.environ).direct_url) as connection:
        api_keys.revoke_api_key(connection, key_id)
    click.echo(f"Revoked key {key_id}")


@keys.command("rotate-encryption")
def rotate_encryption() -> None:
    """Encrypt all credentials with a new key, while API and workers run.

    Where the key is kept in EXECUTIONS_HOME, a new one is made and the earlier ones stay accepted. Where it is in
    EXECUTIONS_ENCRYPTION_KEY, set that to the new key and EXECUTIONS_ENCRYPTION_KEY_OLD to the earlier one on every
    host, start everything anew, and then run this. Cut short, it goes on where it was when it is run again.
    """
    from app.credentials.keys import KEY_FILE
    from app.credentials.rotation import rotate

    with report_errors():
        settings = Settings.from_environment(os.environ)
        with connect(settings.direct_url, autocommit=True) as connection:
            done = rotate(connection, settings)
    if done.made_key:
        click.echo(f"Made the key {done.key_id} in {settings.home / KEY_FILE}; the earlier ones stay accepted")
    which = "all others" if done.unreadable else "all"
    click.echo(f"Credentials encrypted anew: {done.moved}; {which} are under the key {done.key_id} now")
    if done.unreadable:
        raise click.ClickException(
            f"No key that is known opens {len(done.unreadable)} of them: {', '.join(done.unreadable[:10])}. Name the "
            "key that they were encrypted with in EXECUTIONS_ENCRYPTION_KEY_OLD, or store them anew."
        )
    if not done.moved and not done.made_key and not settings.encryption_keys_old:
        click.echo(
            "To change the key, set EXECUTIONS_ENCRYPTION_KEY to a new one and EXECUTIONS_ENCRYPTION_KEY_OLD to this "
            "one on every host, start everything anew, and run this again"
        )


def _day(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")
