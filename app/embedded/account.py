"""The account that PostgreSQL's programs run under: they refuse to run as root.

Started by root, they run as another user. That user may be unable to reach the binaries or the data (a checkout under
/root, say). The permissions of folders are not changed for that: where it is needed, the process keeps the one
capability of root that passes through closed folders, and nothing else of root.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PREFERRED_USERS = ("postgres", "nobody")
ENVIRONMENT = frozenset({"HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"})
"""What programs under that account are told of the environment, and LC_*: others who use it can read that."""


class NoUsableAccount(Exception):
    """PostgreSQL cannot be started from this account, and the message says what would help."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user and the command prefix that starts a program as that user (empty: the present user)."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def give_to(self, folder: Path) -> None:
        """Give a folder of ours to the account, closed to everyone else."""
        folder.chmod(0o700)
        if folder.stat().st_uid != self.uid:
            os.chown(folder, self.uid, self.gid)


def choose_account(program: Path, data: Path) -> Account:
    """The account to run `program` under so that it can use the folder `data`, which may not exist yet.

    The present user, unless that is root; then the owner of `data`, or the user postgres, or nobody.

    Raises NoUsableAccount.
    """
    owner = data.stat().st_uid if data.exists() else None
    return _other_account(program, data, owner) if os.geteuid() == 0 else _own_account(data, owner)


def _own_account(data: Path, owner: int | None) -> Account:
    if owner is not None and owner != os.geteuid():
        raise NoUsableAccount(f"{data} belongs to {_user_name(owner) or owner}: run as that user or as root")
    if _user_name(os.geteuid()) is None:
        raise NoUsableAccount(
            f"PostgreSQL needs to know the name of user {os.geteuid()}, who is not in /etc/passwd: "
            "run as a user who is, or set DATABASE_URL"
        )
    return Account(os.geteuid(), os.getegid())


def _other_account(program: Path, data: Path, owner: int | None) -> Account:
    """For root, as whom PostgreSQL does not run."""
    user = _unprivileged_user(owner)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NoUsableAccount(
            "PostgreSQL does not run as root, and changing the user takes setpriv (package util-linux): "
            "install it, run as an ordinary user, or set DATABASE_URL"
        )
    change_user = (
        setpriv,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--pdeathsig=INT",
    )
    for prefix in (
        (*change_user, "--"),
        (*change_user, *_keep_capability("dac_read_search"), "--"),
        (*change_user, *_keep_capability("dac_override"), "--"),
    ):
        if _reaches(prefix, program, next(folder for folder in [data, *data.parents] if folder.exists())):
            return Account(user.pw_uid, user.pw_gid, prefix)
    raise NoUsableAccount(
        f"PostgreSQL does not run as root, and the user {user.pw_name} cannot reach {program}: "
        "run as an ordinary user, move the checkout to a folder open to all users, or set DATABASE_URL"
    )


def _keep_capability(name: str) -> tuple[str, ...]:
    # access(2) ignores capabilities after a change of user unless the fixup is off, and initdb asks access(2)
    return (
        "--securebits=+no_setuid_fixup",
        f"--inh-caps=-all,+{name}",
        f"--ambient-caps=-all,+{name}",
        f"--bounding-set=-all,+{name}",
    )


def _reaches(prefix: tuple[str, ...], program: Path, folder: Path) -> bool:
    probe = ("sh", "-c", 'test -x "$1" && test -r "$1" && test -x "$2"', "sh", program, folder)
    ran = subprocess.run([*prefix, *probe], capture_output=True, check=False, env=small_environment())
    return ran.returncode == 0


def small_environment() -> dict[str, str]:
    """What PostgreSQL's programs need of the environment, and nothing of our secrets."""
    return {name: value for name, value in os.environ.items() if name in ENVIRONMENT or name.startswith("LC_")}


def _unprivileged_user(owner: int | None) -> pwd.struct_passwd:
    if owner:
        try:
            return pwd.getpwuid(owner)
        except KeyError:
            raise NoUsableAccount(f"the folder of the database belongs to the unknown user {owner}") from None
    for name in PREFERRED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoUsableAccount(
        "PostgreSQL does not run as root, and there is no user postgres or nobody: "
        "run as an ordinary user, or set DATABASE_URL"
    )


def _user_name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
