"""Why an update ended, as an exception inside the updater."""

import errno

from muster_agent.errors import MusterError


class UpdateError(MusterError):
    """The update cannot go on: FAILED with this code.

    Attributes:
        code: for machines: disk_full, checksum, download, refused, health, install, …
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UpdateCanceled(MusterError):
    """It was canceled, or ran past its limit, before INSTALLING."""


def disk_error(what: str, error: OSError) -> UpdateError:
    """Turn an error of the file system into the end of an update."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return UpdateError("disk_full" if full else "disk", f"{what}: {error.strerror or error}")
