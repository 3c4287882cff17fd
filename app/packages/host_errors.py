"""Why a package process has not answered a call."""


class HostError(Exception):
    """A package process could not do what was asked: it was ended, or could not be started. Fit for a user."""


class HostTimeout(HostError):
    """A call has taken longer than it may."""


class HostComputing(HostError):
    """A call has computed without a pause for longer than it may."""


class HostBusy(HostError):
    """Other projects have held all processes for longer than a call waits."""
