"""The mailboxes that a header or a field names."""

from email.utils import getaddresses


def mailboxes(text: str) -> list[tuple[str, str]]:
    """Name and address of each, as `email.utils.getaddresses` reads them; none where comments or groups are nested
    without an end."""
    try:
        return getaddresses([text])
    except RecursionError:
        return []
