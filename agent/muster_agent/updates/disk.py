"""Every change that the updater makes to the file system, one small step each.

A step is atomic or harmless: after a power cut between any two of them the journal and the
symbolic links still tell old from new.
"""

import os
import shutil
from pathlib import Path


class Disk:
    """The real file system. Tests put one in its place that loses power at a step."""

    def make_folder(self, path: Path) -> None:
        """Make a folder, and its parents; one that is there is left."""
        path.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, data: bytes, *, append: bool = False, mode: int = 0o644) -> None:
        """Write bytes; nothing of it is certain to survive before `sync`."""
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)
        descriptor = os.open(path, flags, mode)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)

    def sync(self, path: Path) -> None:
        """Wait until a file, or a folder's list of names, is on the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or link another name, in one step, in place of what has it."""
        os.replace(old, new)

    def link(self, path: Path, target: str) -> None:
        """Make a symbolic link."""
        os.symlink(target, path)

    def remove(self, path: Path) -> None:
        """Remove a file, a link, or a folder with all in it; what is not there is gone."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def free_bytes(self, path: Path) -> int:
        """Give the room that is left where the path is."""
        while not path.exists():
            path = path.parent
        return shutil.disk_usage(path).free

    # -- made of the steps above -----------------------------------------------------------

    def replace_file(self, path: Path, data: bytes) -> None:
        """Put new contents in place of a file's: afterwards it holds the old or the new."""
        fresh = path.with_name(path.name + ".new")
        self.write(fresh, data, mode=0o600)
        self.sync(fresh)
        self.rename(fresh, path)
        self.sync(path.parent)

    def point(self, link: Path, target: str) -> None:
        """Let a symbolic link point elsewhere, in one step, durably."""
        fresh = link.with_name(link.name + ".new")
        self.remove(fresh)
        self.link(fresh, target)
        self.rename(fresh, link)
        self.sync(link.parent)
