"""One update from its notice to its end, taken up again after a restart at any point.

The journal says what is about to be done before it is done. Going on means: look at the
journal, do that step (again), write down the next.
"""

import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from muster_agent.core.desk import Outcome, failed
from muster_agent.updates.disk import Disk
from muster_agent.updates.download import Downloader
from muster_agent.updates.errors import UpdateCanceled, UpdateError, disk_error
from muster_agent.updates.health import Health
from muster_agent.updates.installer import Installer, Release
from muster_agent.updates.journal import RESTARTS, Progress, Stage, UpdateJournal
from muster_protocol.messages import Component, Update
from muster_protocol.states import ExecutionState, UpdateStep

_log = logging.getLogger("muster_agent")


class Call(Protocol):
    """The update as the engine sees it."""

    message: Update

    def step(self, step: UpdateStep, fraction: float | None = None, message: str = "") -> None:
        """Report a step.

        Raises:
            UpdateCanceled: it was canceled or ran past its limit, and may still be stopped.
        """

    def wait(self, seconds: float) -> None:
        """Sleep; raises as `step`."""


class Parts(NamedTuple):
    """What the updater works with.

    Attributes:
        folder: for the journal and what is downloaded.
        restart: begins the restart that the new one needs, and returns True if the process is
            about to end; False: the new one runs already. None: as False.
            Called after `activate`, and after `roll_back` to let the old one run again.
        max_starts: starts that may find the new one on trial before it is rolled back.
    """

    folder: Path
    installer: Installer
    downloader: Downloader
    disk: Disk
    health: Health = lambda: ""
    restart: Callable[[], bool] | None = None
    max_starts: int = 3


_UNSETTLED = frozenset({Stage.TRYING, Stage.COMMITTING, Stage.ROLLING_BACK, Stage.PUT_BACK})


class Updater:
    """Runs one update at a time, in the thread that calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._disk = parts.disk
        self._journal = UpdateJournal(parts.folder / "update.json", parts.disk)
        self._downloads = parts.folder / "download"

    def run(self, call: Call) -> Outcome | None:
        """Bring an update to its end.

        Returns:
            How it ended; None: the process is about to end, and `run` goes on after the start.
        """
        release = _release(call.message)
        progress = self._take_up(call.message.execution)
        if progress is None:
            return None
        try:
            if progress.stage is Stage.TRYING and self._runs(progress):
                progress.starts += 1
                self._journal.save(progress)
            return self._advance(call, release, progress)
        except UpdateCanceled as error:
            self._forget(progress, "canceled", str(error))
            return failed("canceled", str(error), ExecutionState.CANCELED)
        except UpdateError as error:
            return self._give_up(call, release, progress, error)
        except OSError as error:
            return self._give_up(call, release, progress, disk_error("update", error))

    def _take_up(self, execution: str) -> Progress | None:
        """Find the journal of this update; one of another that never ended is undone first.

        Returns:
            None: the process is about to end, so that what was before that other one runs again.
        """
        known = self._journal.load()
        if known is not None and known.execution == execution:
            return known
        if known is not None and known.stage in _UNSETTLED and not self._undo(known):
            return None
        self._disk.remove(self._downloads)
        fresh = Progress(execution=execution)
        self._journal.save(fresh)
        return fresh

    def _undo(self, known: Progress) -> bool:
        """Put back what was before an update that is not wanted any more; as `_restarted`."""
        if known.stage is not Stage.PUT_BACK:
            self._parts.installer.roll_back(Release(known.execution, "", (), {}))
            known.restarts = 0
            self._note(known, Stage.PUT_BACK)
        try:
            return self._restarted(known)
        except UpdateError as error:
            # It would stand in the way of each update to come, and one of them may mend it.
            _log.warning("the app before update %s: %s", known.execution, error)
            return True

    def _advance(self, call: Call, release: Release, progress: Progress) -> Outcome | None:
        """Take step after step, each from what the journal says."""
        while progress.stage is not Stage.DONE:
            match progress.stage:
                case Stage.DOWNLOADING:
                    self._download(call)
                    call.step(UpdateStep.INSTALLING)
                    self._note(progress, Stage.INSTALLING)
                case Stage.INSTALLING:
                    call.step(UpdateStep.INSTALLING)
                    self._install(call, release)
                    self._note(progress, Stage.TRYING)
                case Stage.TRYING:
                    if not self._try(call, release, progress):
                        return None
                case Stage.COMMITTING:
                    call.step(UpdateStep.COMMITTING)
                    self._parts.installer.commit(release)
                    self._forget(progress)
                case Stage.ROLLING_BACK:
                    self._parts.installer.roll_back(release)
                    progress.restarts = 0
                    self._note(progress, Stage.PUT_BACK)
                case Stage.PUT_BACK:
                    if not self._restarted(progress):
                        return None
                    self._forget(progress, progress.code, progress.why, rolled_back=True)
        return _ended(progress, release)

    def _note(self, progress: Progress, stage: Stage) -> None:
        progress.stage = stage
        self._journal.save(progress)

    def _forget(
        self, progress: Progress, code: str = "", why: str = "", *, rolled_back: bool = False
    ) -> None:
        """Write down the end, then free the room of the downloads."""
        progress.code, progress.why = code, why
        progress.rolled_back = rolled_back
        self._note(progress, Stage.DONE)
        self._disk.remove(self._downloads)

    # -- the steps -------------------------------------------------------------------------

    def _files(self, update: Update) -> dict[str, Path]:
        return {a.name: self._downloads / f"{n}.part" for n, a in enumerate(update.artifacts)}

    def _download(self, call: Call) -> None:
        update = call.message
        total = sum(artifact.size for artifact in update.artifacts)
        refusal = self._parts.installer.room(total)
        if refusal:
            raise UpdateError("disk_full", refusal)
        call.step(UpdateStep.DOWNLOADING, 0.0)
        self._disk.make_folder(self._downloads)
        before = 0
        for artifact, file in zip(update.artifacts, self._files(update).values(), strict=True):

            def tell(have: int, before: int = before) -> None:
                call.step(UpdateStep.DOWNLOADING, min(1.0, (before + have) / max(1, total)))

            self._parts.downloader.fetch(artifact, file, tell, call.wait)
            before += artifact.size
        self._disk.sync(self._downloads)
        call.step(UpdateStep.DOWNLOADED, 1.0)
        call.step(UpdateStep.VERIFIED)

    def _install(self, call: Call, release: Release) -> None:
        files: Mapping[str, Path] = self._files(call.message)
        for name, file in files.items():
            if not file.exists():
                raise UpdateError("install", f"{name}: the verified file is gone")
        try:
            self._parts.installer.install(release, files)
        except (UpdateError, OSError):
            raise
        except Exception as error:
            raise UpdateError("install", f"{type(error).__name__}: {error}") from error

    def _try(self, call: Call, release: Release, progress: Progress) -> bool:
        """Run the new one and look at its health; False: the process is about to end."""
        parts = self._parts
        if progress.starts > parts.max_starts:
            text = f"not healthy within {parts.max_starts} starts"
            self._fall_back(progress, "starts", text)
            return True
        parts.installer.activate(release)
        if not self._runs(progress):
            call.step(UpdateStep.REBOOTING)
        if not self._restarted(progress):
            return False
        call.step(UpdateStep.COMMITTING)
        try:
            problem = parts.health()
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            self._fall_back(progress, "health", problem)
        else:
            self._note(progress, Stage.COMMITTING)
        return True

    def _runs(self, progress: Progress) -> bool:
        """Say whether the restart that its stage needs is behind it."""
        return self._parts.restart is None or progress.restarts == RESTARTS

    def _restarted(self, progress: Progress) -> bool:
        """Let what `current` is now run; False: the process is about to end for that.

        A restart that was cut short is begun again, once: it may be what ended this process.
        """
        restart = self._parts.restart
        if restart is None or self._runs(progress):
            return True
        progress.restarts += 1
        self._journal.save(progress)
        try:
            ends = restart()
        except UpdateError:
            raise
        except Exception as error:
            raise UpdateError("restart", f"{type(error).__name__}: {error}") from error
        progress.restarts = RESTARTS
        self._journal.save(progress)
        return not ends

    def _fall_back(self, progress: Progress, code: str, why: str) -> None:
        progress.code, progress.why = code, why[:2000]
        self._disk.remove(self._downloads)  # makes room for the journal, where the disk is full
        self._note(progress, Stage.ROLLING_BACK)

    def _give_up(
        self, call: Call, release: Release, progress: Progress, error: UpdateError
    ) -> Outcome | None:
        """End what cannot go on; what the new slot has touched is taken back."""
        if progress.stage is Stage.DONE:
            # Decided, only not written down: the next update finds nothing left to undo.
            return _ended(progress, release)
        if progress.stage is Stage.PUT_BACK:
            text = f"{progress.why}; the old one is in place, but was not restarted: {error}"
            with contextlib.suppress(OSError):
                self._forget(progress, progress.code, text, rolled_back=True)
            return _ended(progress, release)
        if progress.stage is Stage.ROLLING_BACK:
            # The journal keeps saying so: the next update rolls back before anything else.
            return failed(progress.code, f"{progress.why}; rolling back failed: {error}")
        try:
            if progress.stage in (Stage.TRYING, Stage.COMMITTING):
                self._fall_back(progress, error.code, str(error))
                return self._advance(call, release, progress)
            self._disk.remove(self._downloads)  # makes room for the journal, where the disk is full
            self._forget(progress, error.code, str(error))
        except UpdateError as second:
            return self._give_up(call, release, progress, second)
        except OSError as second:
            if progress.stage in (Stage.PUT_BACK, Stage.DONE):
                return self._give_up(call, release, progress, disk_error("update", second))
            return failed(error.code, f"{error}; and then: {second}")
        return failed(error.code, str(error))


def _release(update: Update) -> Release:
    ref = update.release
    if ref is None:
        raise TypeError("an update that runs names a release")
    components = [Component(component=c.component, version=c.version) for c in ref.components]
    return Release(update.execution, ref.version, components, update.data)


def _ended(progress: Progress, release: Release) -> Outcome:
    if not progress.code:
        return Outcome(ExecutionState.SUCCEEDED, f"{release.version} is installed and healthy")
    if progress.code == "canceled":
        return failed("canceled", progress.why, ExecutionState.CANCELED)
    step = str(UpdateStep.ROLLED_BACK) if progress.rolled_back else ""
    return failed(progress.code, progress.why, step=step)
