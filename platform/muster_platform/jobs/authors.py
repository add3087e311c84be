"""A job acts with its author's present rights: what the author lost, the job has lost."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from muster_platform.access.actor import Actor
from muster_platform.access.authors import present_actor
from muster_platform.access.models import Group
from muster_platform.devices.models import Device
from muster_platform.jobs.kinds import kind_of
from muster_platform.jobs.models import Execution, Job
from muster_protocol.states import ExecutionState


class Authors:
    """The authors of jobs as they are now; one is read once per instance (per unit of work)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[str, str], Actor | None] = {}

    def of(self, job: Job) -> Actor | None:
        """Give the author with the rights of this moment; None: may do nothing any more."""
        key = (job.author_kind, job.author_id)
        if key not in self._known:
            self._known[key] = present_actor(self._session, *key)
        return self._known[key]

    def may_run(self, job: Job, group_path: str) -> bool:
        """Say whether the author may still run this on devices of that group."""
        if job.author_kind == "system":
            return True
        author = self.of(job)
        return author is not None and author.may(kind_of(job).run, group_path)

    def lost(self, job: Job) -> str | None:
        """Say why the job may not go on, by the groups of what is not handed over yet.

        Returns:
            A sentence, or None where the author has every right that is needed.
        """
        if job.author_kind == "system":
            return None
        groups = self._session.execute(
            select(Group.path, Group.name)
            .distinct()
            .join(Device, Device.group_id == Group.id)
            .join(Execution, Execution.device_key == Device.id)
            .where(
                Execution.job_id == job.id,
                Execution.state == str(ExecutionState.QUEUED),
                Execution.handed_at.is_(None),
            )
        )
        for path, name in groups:
            if not self.may_run(job, path):
                return lost_text(job, name)
        return None


def lost_text(job: Job, group: str) -> str:
    """Say that the author's right is gone."""
    return f"{job.author_name} no longer has {kind_of(job).run} on {group}"
