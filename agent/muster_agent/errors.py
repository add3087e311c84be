"""Errors of the agent, grouped by what the caller can do, and the exit code of each.

A command of the broker or the platform takes part by raising an exception with an attribute
`exit_code`; the command line prints its text as one line and ends with that code.
"""

EXIT_CODES: dict[str, int] = {
    "ok": 0,
    "failed": 1,  # it was tried and did not work out
    "usage": 2,  # the command line itself is wrong
    "configuration": 3,  # a file, option or environment variable is wrong: correct it
    "not_found": 4,  # what was named does not exist (or may not be seen)
    "denied": 5,  # sign-in, token or permission
    "conflict": 6,  # the other side is in a state that forbids it
    "unavailable": 7,  # a server could not be reached: try again
    "internal": 70,  # a defect in this program: please report it
    "interrupted": 130,  # Ctrl-C
}
"""What the exit code of every `muster` command means."""


class MusterError(Exception):
    """Base of all errors that a person is shown as one line: what, where, what to do."""

    exit_code = EXIT_CODES["failed"]


class ConfigError(MusterError):
    """A file or option is wrong; the text names the file, the key and what was expected."""

    exit_code = EXIT_CODES["configuration"]


class StateError(ConfigError):
    """The state folder of the agent cannot be used as it is."""


class DeniedError(MusterError):
    """The server refused the credentials or the token."""

    exit_code = EXIT_CODES["denied"]


class RefusedError(MusterError):
    """The server refused what was asked, and asking again will not help."""

    exit_code = EXIT_CODES["conflict"]


class UnavailableError(MusterError):
    """The server or the broker could not be reached; it may work later.

    Attributes:
        retry_after_s: when the server asked to try again, if it said so.
    """

    exit_code = EXIT_CODES["unavailable"]

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Rejected(MusterError):
    """Raise it in a command handler to answer REJECTED: the device will not do this.

    Attributes:
        code: for machines, for example "battery_low".
    """

    def __init__(self, message: str, code: str = "rejected") -> None:
        super().__init__(message)
        self.code = code


class StoreError(MusterError):
    """What was to be kept on disk could not be written (full, read-only, damaged)."""


class SpoolFullError(StoreError):
    """The spool has reached its budget and holds nothing that may be dropped: not accepted."""
