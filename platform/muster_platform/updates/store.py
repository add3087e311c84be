"""Where the bytes of artifacts are: what a store of them must be able to do."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol


class ArtifactStore(Protocol):
    """Keeps whole files by their sha256, and files on their way in by the upload's id."""

    def room(self) -> int:
        """Give how many bytes more it can take."""
        ...

    def received(self, upload_id: str) -> int:
        """Give how many bytes of an upload are on disk; 0 where nothing has come."""
        ...

    def append(self, upload_id: str, offset: int, pieces: Iterable[bytes], most: int) -> int:
        """Add to an upload; what came before an interruption stays.

        Args:
            offset: where the pieces belong: the number of bytes received so far.
            most: bytes that the whole upload may have.

        Returns:
            How many bytes are there afterwards, safe on disk.

        Raises:
            Conflict: wrong offset (`received` names the right one), or somebody else is sending.
            InvalidInput: more came than was announced.
            Unavailable: the disk is full.
        """
        ...

    def digest(self, upload_id: str) -> str:
        """Compute the sha256 of what has come."""
        ...

    def keep(self, upload_id: str, sha256: str) -> None:
        """Make an upload a whole file under its sha256; it may be repeated."""
        ...

    def drop(self, upload_id: str) -> None:
        """Forget an upload's bytes."""
        ...

    def path(self, sha256: str) -> Path:
        """Give the file.

        Raises:
            Unavailable: it is not there.
        """
        ...

    def whole(self, before: int) -> Iterator[str]:
        """Give the sha256 of every file that was last kept before that time (ms)."""
        ...

    def partial(self, before: int) -> Iterator[str]:
        """Give the id of every upload with bytes here that last grew before that time (ms)."""
        ...

    def remove(self, sha256: str) -> None:
        """Delete a whole file."""
        ...
