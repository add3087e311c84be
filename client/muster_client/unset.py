"""The difference between a field that is not sent and one that is sent as null."""

from enum import Enum


class Unset(Enum):
    """Type of `UNSET`: the field is not sent, and the server's default counts."""

    UNSET = "unset"


UNSET = Unset.UNSET
