"""A worker that hands over at once when it is told to stop, and goes at once, or as soon as it can.

`LEAVE_SECONDS=30 python -m tests.worker.leave_at_once`
"""

import logging
import os

from app.settings import Settings
from app.worker import leaving, worker

logging.basicConfig(level=logging.INFO)
worker.DRAIN_SECONDS = 0.1
leaving.LEAVE_SECONDS = float(os.environ.get("LEAVE_SECONDS", "0.1"))

if __name__ == "__main__":
    from app.worker.process import run_worker  # which takes the above as it is then

    run_worker(Settings.from_environment(os.environ))
