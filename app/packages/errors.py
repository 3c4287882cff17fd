"""Why a node package cannot be installed; the message says what to do."""


class CannotInstall(Exception):
    """A package cannot be installed, or not like this. The message is fit to be shown as it is."""


class UnknownPackage(CannotInstall):
    """There is no package of this name."""


class NotTheVersion(CannotInstall):
    """The package has no such version."""


class RegistryUnreachable(CannotInstall):
    """The registry cannot be reached; the same may go well later."""


class NotWritten(CannotInstall):
    """npm could not write all files of the package, for example because the disk is full."""


class NotOfNodes(CannotInstall):
    """The package has no nodes."""


class LicenceNotAccepted(CannotInstall):
    """The package comes with packages of n8n's, whose licence nobody has accepted."""
