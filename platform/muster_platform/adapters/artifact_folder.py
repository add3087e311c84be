"""Artifacts in a folder: `ab/abcdef…` for whole files, `parts/UPLOAD` for those on their way."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from muster_platform.errors import Conflict, InvalidInput, Unavailable

PARTS = "parts"
RESERVE_BYTES = 64 * 1024 * 1024
"""Left free for whatever else lives on the disk, such as the database."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ArtifactFolder:
    """Implements updates.store.ArtifactStore.

    A file is written beside, flushed to the disk, then linked under its sha256: whoever finds a
    name finds all of its bytes, also after a power cut.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def room(self) -> int:
        """Give how many bytes more it can take."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return max(0, shutil.disk_usage(self._folder).free - RESERVE_BYTES)

    def received(self, upload_id: str) -> int:
        """Give how many bytes of an upload are on disk."""
        try:
            return self._part(upload_id).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, upload_id: str, offset: int, pieces: Iterable[bytes], most: int) -> int:
        """Add to an upload; see ArtifactStore."""
        with self._alone(upload_id) as file:
            size = file.seek(0, os.SEEK_END)
            if size != offset:
                raise Conflict(
                    f"{size} bytes have been received: go on from there, not from {offset}",
                    code="wrong_offset",
                    received=size,
                )
            try:
                for piece in pieces:
                    if size + len(piece) > most:
                        raise InvalidInput(
                            f"more bytes came than the {most} that were announced", where="offset"
                        )
                    file.write(piece)
                    size += len(piece)
            except OSError as error:
                raise _full(error) from error
            finally:
                size = _settle(file)
        return size

    def digest(self, upload_id: str) -> str:
        """Compute the sha256 of what has come."""
        with self._part(upload_id).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def keep(self, upload_id: str, sha256: str) -> None:
        """Link the upload under its sha256; the same bytes twice are kept once."""
        whole = self._whole(sha256)
        whole.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self._part(upload_id), whole)
        except FileExistsError:
            pass
        except OSError as error:
            raise _full(error) from error
        os.utime(whole)  # fresh, so that no pass takes it for an orphan before it is entered
        _sync_folder(whole.parent)
        _sync_folder(self._folder)

    def drop(self, upload_id: str) -> None:
        """Forget an upload's bytes."""
        self._part(upload_id).unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Give the file."""
        found = self._whole(sha256)
        if not found.is_file():
            raise Unavailable(
                "the file is not in the artifact store; restore it from a backup of the state "
                "folder, or upload it again in a new release",
                code="artifact_missing",
            )
        return found

    def whole(self, before: int) -> Iterator[str]:
        """Give the sha256 of every file that was last kept before that time (ms)."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            if _touched(path) < before:
                yield path.name

    def partial(self, before: int) -> Iterator[str]:
        """Give the id of every upload that last grew before that time (ms)."""
        for path in (self._folder / PARTS).glob("*"):
            if _touched(path) < before:
                yield path.name

    def remove(self, sha256: str) -> None:
        """Delete a whole file."""
        self._whole(sha256).unlink(missing_ok=True)

    def _whole(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _part(self, upload_id: str) -> Path:
        return self._folder / PARTS / upload_id

    @contextmanager
    def _alone(self, upload_id: str) -> Iterator[BinaryIO]:
        """Open an upload's file for one writer at a time."""
        path = self._part(upload_id)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        except OSError as error:
            raise _full(error) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(
                    "somebody is sending a piece of this upload at the moment; ask again how far "
                    "it is when that is done",
                    code="upload_busy",
                ) from None
            yield file


def _settle(file: BinaryIO) -> int:
    """Bring what was written to the disk, cut to what fitted; give the size."""
    try:
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise _full(error) from error
    return os.fstat(file.fileno()).st_size


def _full(error: OSError) -> Exception:
    """Say clearly that the disk is full; anything else is what it is."""
    if error.errno not in FULL:
        return error
    return Unavailable(
        "the disk of the artifact store is full; make room and go on where the upload stopped",
        code="disk_full",
    )


def _touched(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns // 1_000_000
    except FileNotFoundError:  # removed meanwhile: not old
        return 2**62


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
