"""The webhook tests' API and worker, for forms."""

from tests.api.webhooks.conftest import site

__all__ = ["site"]
