"""Putting one artifact into a slot: an archive is unpacked, another file is copied."""

import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from muster_agent.updates.disk import Disk
from muster_agent.updates.errors import UpdateError

_PIECE = 1024 * 1024
RESERVE_BYTES = 1024 * 1024
"""Left free for whatever else lives on the disk, such as the spool."""
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


def unpack(disk: Disk, name: str, file: Path, slot: Path) -> None:
    """Write an artifact into a slot and force its files to disk.

    Raises:
        UpdateError: the archive is damaged, or wants to write outside the slot.
        OSError: the disk.
    """
    try:
        if name.endswith(_TAR):
            _untar(disk, file, slot)
        elif name.endswith(".zip"):
            _unzip(disk, file, slot)
        else:
            with file.open("rb") as source:
                _copy(disk, source, _inside(slot, PurePosixPath(name).name), 0o755)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise UpdateError("install", f"{name}: not an archive that can be read: {error}") from error


def _inside(slot: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise UpdateError("install", f"the archive names {name!r}, which is outside the slot")
    target = slot.joinpath(*parts)
    # Links are made as they are found, and what one leads to may change with the next: nothing
    # is written through any. (The standard filter asks where they lead at that moment, and knows
    # nothing of an archive before.)
    for path in (target, *target.parents):
        if path == slot:
            return target
        if path.is_symlink():
            raise UpdateError("install", f"the archive writes {name!r} through a link")
    return target


def _copy(disk: Disk, source: IO[bytes], target: Path, mode: int) -> None:
    disk.make_folder(target.parent)
    disk.write(target, b"", mode=mode)
    while piece := source.read(_PIECE):
        # A small archive can hold endless zeros: the app that runs needs room to go on.
        if disk.free_bytes(target) < len(piece) + RESERVE_BYTES:
            raise UpdateError("disk_full", f"{target}: the archive fills the disk")
        disk.write(target, piece, append=True)
    disk.sync(target)


def _untar(disk: Disk, file: Path, slot: Path) -> None:
    with tarfile.open(file) as archive:
        for found in archive:
            # The standard filter refuses absolute names, links out of the slot, devices.
            member = tarfile.data_filter(found, str(slot))
            target = _inside(slot, member.name) if member.name not in (".", "") else slot
            if member.isdir():
                disk.make_folder(target)
            elif member.issym():
                disk.make_folder(target.parent)
                disk.link(target, member.linkname)
            elif member.isreg():
                source = archive.extractfile(member)
                if source is not None:
                    _copy(disk, source, target, 0o755 if (member.mode or 0) & 0o100 else 0o644)
            else:
                text = f"the archive holds {member.name!r}: only files, folders and links may be"
                raise UpdateError("install", text)


def _unzip(disk: Disk, file: Path, slot: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            target = _inside(slot, info.filename)
            if info.is_dir():
                disk.make_folder(target)
                continue
            with archive.open(info) as source:
                executable = (info.external_attr >> 16) & 0o100
                _copy(disk, source, target, 0o755 if executable else 0o644)
