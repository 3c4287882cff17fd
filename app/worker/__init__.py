"""The worker: claims executions, runs them on one asyncio loop and records what became of them.

Knows PostgreSQL only through the repository and workflows only through the engine; answers HTTP for health checks
only.
"""

from app.worker.process import run_worker
from app.worker.worker import Worker

__all__ = ["Worker", "run_worker"]
