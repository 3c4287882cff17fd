"""A small disk for run data that can be filled up: a tmpfs as a tablespace. It takes root to mount one."""

import os
import shutil
import subprocess
from pathlib import Path

from psycopg import sql

from tests.soak.deployment import Deployment

SIZE_MB = 96


class FullDisk:
    """The table of run data on a disk of its own, where that is possible."""

    def __init__(self, deployment: Deployment, *, wanted: bool) -> None:
        self._folder = Path(deployment.postgres.base_dir) / "disk"
        self._filler = self._folder / "filler"
        self.possible = wanted and os.geteuid() == 0 and shutil.which("mount") is not None and self._mount()
        if self.possible:
            self._move(deployment)

    def _mount(self) -> bool:
        self._folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(self._folder)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _move(self, deployment: Deployment) -> None:
        space = self._folder / "space"
        space.mkdir(mode=0o700)
        owner = (Path(deployment.postgres.base_dir) / "data").stat()
        os.chown(self._folder, owner.st_uid, owner.st_gid)
        os.chown(space, owner.st_uid, owner.st_gid)
        with deployment.connect() as connection:
            connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(space)))
            connection.execute("ALTER TABLE execution_data SET TABLESPACE small")

    def fill(self) -> None:
        """Take all the room that is left."""
        with self._filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65_536)
            except OSError:
                return

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount, once PostgreSQL is gone."""
        if self.possible:
            subprocess.run(["umount", str(self._folder)], check=False, capture_output=True)
