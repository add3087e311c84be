"""How far the update has come: one small file, replaced in one step and forced to disk."""

from enum import StrEnum
from pathlib import Path

import msgspec

from muster_agent.updates.disk import Disk

RESTARTS = 2
"""So often a restart is begun at most; from then on it counts as done."""


class Stage(StrEnum):
    """What the updater was about to do, written before it is done."""

    DOWNLOADING = "DOWNLOADING"
    INSTALLING = "INSTALLING"
    """The slot not in use is being written; the one in use is whole."""
    TRYING = "TRYING"
    """The new slot is, or is about to be, the current one; its health decides."""
    COMMITTING = "COMMITTING"
    """It is healthy."""
    ROLLING_BACK = "ROLLING_BACK"
    """It is not; the old slot is, or is about to be, the current one."""
    PUT_BACK = "PUT_BACK"
    """The old slot is the current one; what runs is, or is about to be, restarted out of it."""
    DONE = "DONE"


class Progress(msgspec.Struct, kw_only=True):
    """The update in hand.

    Attributes:
        starts: how often a start of the agent found it TRYING and restarted.
        restarts: how often the restart of its stage was begun; RESTARTS when it is done.
        code, why: why it is rolled back, or failed.
        rolled_back: whether the old one was put back.
    """

    execution: str
    stage: Stage = Stage.DOWNLOADING
    starts: int = 0
    restarts: int = 0
    code: str = ""
    why: str = ""
    rolled_back: bool = False


class UpdateJournal:
    """The file."""

    def __init__(self, file: Path, disk: Disk) -> None:
        self._file = file
        self._disk = disk

    def load(self) -> Progress | None:
        """Read it; None where there is none, or it is damaged beyond reading."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Progress)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def save(self, progress: Progress) -> None:
        """Replace it; when this returns, it is on the disk."""
        self._disk.make_folder(self._file.parent)
        self._disk.replace_file(self._file, msgspec.json.encode(progress))
