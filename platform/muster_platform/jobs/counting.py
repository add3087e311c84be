"""How many devices of a job stand where: counted over the newest attempts."""

from collections.abc import Collection

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from muster_platform.db.chunks import chunks
from muster_platform.jobs.models import Execution
from muster_protocol.states import EXECUTION_TERMINAL

ENDED: tuple[str, ...] = tuple(sorted(map(str, EXECUTION_TERMINAL)))
"""Terminal states as they are stored."""

_later = aliased(Execution)
NEWEST = ~exists().where(
    _later.job_id == Execution.job_id,
    _later.device_key == Execution.device_key,
    _later.attempt > Execution.attempt,
)
"""Condition: no later attempt of the same job on the same device."""


def counts_of(session: Session, job_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """Count {job id: {state: devices}}; a job without executions has an empty one."""
    found: dict[str, dict[str, int]] = {job_id: {} for job_id in job_ids}
    for part in chunks(sorted(found)):
        query = (
            select(Execution.job_id, Execution.state, func.count())
            .where(Execution.job_id.in_(part), NEWEST)
            .group_by(Execution.job_id, Execution.state)
        )
        for job_id, state, number in session.execute(query):
            found[job_id][state] = number
    return found


def open_in(counts: dict[str, int]) -> int:
    """Say how many have not ended."""
    return sum(number for state, number in counts.items() if state not in ENDED)
