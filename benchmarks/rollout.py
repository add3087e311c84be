"""A rollout to thousands of devices on PostgreSQL: devices a second, CPU per device.

The whole life in one process: plan, start, phases, claiming and marking what is dispatched, four
reports and an inventory per device through ingest's own batch store (with its ledger), passes over
the job, until it is COMPLETED and every execution SUCCEEDED. Real PostgreSQL with commits forced
to disk; its CPU counts. Not in it: the broker (what is published is taken at once by a fake that
acknowledges) and the devices' own work. The peer's figures were measured on such a machine
(hawkBit with PostgreSQL, 2 cores: 67 to 82 devices a second, 23 to 28 ms of CPU a device) and
included its devices' polling by HTTP, which MQTT does not have: read the ratio with that in mind.

    python benchmarks/rollout.py [--devices 5000] [--phases 3] [--batch 1000]

Closes with one line of JSON: ratios, goals, ok.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from muster_broker.receiver import Received  # noqa: E402
from muster_platform import bootstrap  # noqa: E402
from muster_platform.access.actor import system_actor  # noqa: E402
from muster_platform.db import migrate  # noqa: E402
from muster_platform.devices.ingest.telemetry import Metrics  # noqa: E402
from muster_platform.devices.models import (  # noqa: E402
    Device,
    InventoryItem,
    Presence,
    Profile,
)
from muster_platform.jobs import sweeps  # noqa: E402
from muster_platform.jobs.models import Execution, Job  # noqa: E402
from muster_platform.jobs.queue import claim_due, mark_sent  # noqa: E402
from muster_platform.jobs.targets import Target  # noqa: E402
from muster_platform.settings import Settings  # noqa: E402
from muster_platform.stream.messages import Quarantined, Reader  # noqa: E402
from muster_platform.stream.store import BatchStore  # noqa: E402
from muster_platform.stream.wiring import appliers  # noqa: E402
from muster_platform.updates.models import (  # noqa: E402
    Release,
    ReleaseComponent,
    ReleaseProfile,
)
from muster_platform.updates.rollout_plan import PhaseSpec, RolloutSpec  # noqa: E402
from muster_platform.updates.rollouts import RolloutService  # noqa: E402
from muster_protocol.ids import uuid7  # noqa: E402
from tests.services import postgresql  # noqa: E402

ACTOR = system_actor("benchmark")
PEER_RATE, PEER_CPU_MS = 82.0, 23.0
"""The better ends of what the peer did."""
GOAL_RATE, GOAL_CPU_MS = 160.0, 10.0
REPORTS: tuple[dict[str, Any], ...] = (
    {"state": "DELIVERED"},
    {"state": "IN_PROGRESS", "step": "DOWNLOADING", "progress": 0.5},
    {"state": "IN_PROGRESS", "step": "INSTALLING", "progress": 0.9},
    {"state": "SUCCEEDED"},
)


def prepare(platform: bootstrap.Platform, devices: int) -> str:
    """Register the fleet and publish a release; give its id."""
    migrate.upgrade(platform.engine)
    with platform.unit(ACTOR) as unit:
        now = unit.now()
        profile = Profile(name="gateway", title="Gateway", created_at=now)
        unit.session.add(profile)
        unit.session.flush()
        rows = [
            {
                "device_id": f"gw-{n:05}",
                "display_name": "",
                "profile_id": profile.id,
                "group_id": 1,
                "plain": False,
                "capabilities": ["install"],
                "created_at": now,
            }
            for n in range(devices)
        ]
        keys = list(unit.session.scalars(insert(Device).returning(Device.id), rows))
        about = [{"device_key": key, "state": "ONLINE", "since": now} for key in keys]
        unit.session.execute(insert(Presence), about)
        have = {"component": "app", "version": "1.0", "since": now}
        unit.session.execute(insert(InventoryItem), [{"device_key": k, **have} for k in keys])
        release = Release(
            id=uuid7(now),
            name="app",
            version="2.0",
            state="PUBLISHED",
            created_at=now,
            created_by="benchmark",
            updated_at=now,
        )
        release.components = [ReleaseComponent(component="app", version="2.0")]
        release.targets = [ReleaseProfile(profile_id=profile.id)]
        unit.session.add(release)
        unit.session.execute(text("ANALYZE"))
        return release.id


class Devices:
    """What devices say to what they are sent, each message numbered as the protocol wants."""

    def __init__(self) -> None:
        self._boots: dict[str, str] = {}
        self._reader = Reader()

    def waves(self, sent: list[tuple[str, str]]) -> Iterator[list[Any]]:
        """Give what all of them say first, then what they say next, and so on."""
        for number, report in enumerate(REPORTS, 1):
            yield [
                self._say(device, "updates", number, {"execution": execution, **report})
                for device, execution in sent
            ]
        inventory = {"inventory": [{"component": "app", "version": "2.0"}]}
        yield [self._say(device, "inventory", 1, inventory) for device, _ in sent]

    def _say(self, device: str, channel: str, seq: int, fields: dict[str, Any]) -> Any:
        boot = self._boots.setdefault(device, uuid7())
        payload = json.dumps({"boot": boot, "seq": seq, **fields}).encode()
        topic = f"muster/1/{device}/up/{channel}"
        at = time.time_ns() // 1_000_000
        item = self._reader.read(Received(topic, payload, 1, 1, False, False, at, 1))
        if isinstance(item, Quarantined):
            raise SystemExit(f"a message of ours cannot be read: {item.detail}")
        return item


def roll_out(platform: bootstrap.Platform, spec: RolloutSpec, batch: int) -> str:
    """Do the whole of it; give the job's id."""
    with platform.unit(ACTOR) as unit:
        digest = RolloutService(unit).plan(spec).digest
    with platform.unit(ACTOR) as unit:
        rollout = RolloutService(unit).start(spec, digest=digest)
    devices, chosen, metrics = Devices(), appliers(), Metrics()
    while True:
        sent = dispatch(platform)
        for wave in devices.waves(sent):
            for start in range(0, len(wave), batch):
                with platform.unit(ACTOR) as unit:
                    BatchStore(unit, chosen, metrics).store(wave[start : start + batch], ())
        with platform.unit(ACTOR) as unit:
            sweeps.advance_jobs(unit, sweeps.active_jobs(unit))
        with platform.unit(ACTOR, write=False) as unit:
            job = unit.session.get_one(Job, rollout.id)
        if job.state != "IN_PROGRESS":
            return rollout.id
        if not sent:
            raise SystemExit(f"it stands still: {job.blocked_by} {job.counts}")


def dispatch(platform: bootstrap.Platform) -> list[tuple[str, str]]:
    """Claim and mark all that is due; give (device id, execution id)."""
    sent: list[tuple[str, str]] = []
    while True:
        with platform.unit(ACTOR) as unit:
            parcels = claim_due(unit, "benchmark", platform.settings.dispatch_batch)
        if not parcels:
            return sent
        with platform.unit(ACTOR) as unit:
            mark_sent(unit, [one.execution_id for one in parcels], "benchmark")
        sent += [(one.topic.split("/")[2], one.execution_id) for one in parcels]


def ticks(pid: str) -> int:
    """Give user and system time of a process, and of those it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def database_cpu_s(platform: bootstrap.Platform) -> float:
    """Give the CPU time of the whole server: postmaster and everything below it."""
    with platform.engine.connect() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    master = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1]
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return (ticks(master) + sum(map(ticks, children))) / 100


def main() -> int:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--phases", type=int, default=3)
    parser.add_argument("--batch", type=int, default=1000)
    given = parser.parse_args()
    with postgresql.running(durable=True) as server, tempfile.TemporaryDirectory() as folder:
        url = server.url(server.create())
        platform = bootstrap.build(
            Settings(state_dir=Path(folder), database_url=url, public_url="http://127.0.0.1")
        )
        release_id = prepare(platform, given.devices)
        phases = [PhaseSpec(percent=100 // given.phases) for _ in range(given.phases - 1)]
        spec = RolloutSpec(
            release_id=release_id, target=Target(group_id=1), phases=(*phases, PhaseSpec())
        )
        database, own, began = database_cpu_s(platform), time.process_time(), time.monotonic()
        job_id = roll_out(platform, spec, given.batch)
        wall_s = time.monotonic() - began
        own_s = time.process_time() - own
        database_s = database_cpu_s(platform) - database
        with platform.unit(ACTOR, write=False) as unit:
            query = select(Execution.state, func.count()).where(Execution.job_id == job_id)
            rows = unit.session.execute(query.group_by(Execution.state))
            states = {row[0]: row[1] for row in rows}
            state = unit.session.get_one(Job, job_id).state
        platform.close()
    exact = states == {"SUCCEEDED": given.devices} and state == "COMPLETED"
    rate, cpu_ms = given.devices / wall_s, 1000 * (own_s + database_s) / given.devices
    print(f"{'':24}{'devices/s':>12}{'CPU ms/device':>16}{'of it database':>17}")
    database_ms = 1000 * database_s / given.devices
    print(f"{'muster':24}{rate:>12.0f}{cpu_ms:>16.2f}{database_ms:>17.2f}")
    print(f"{'hawkBit (measured)':24}{'67-82':>12}{'23-28':>16}")
    print(f"{state}: {states}; messages stored: {given.devices * (len(REPORTS) + 1)}")
    ratios = {"rate": round(rate / PEER_RATE, 2), "cpu": round(cpu_ms / PEER_CPU_MS, 2)}
    goals = {
        "rate": round(GOAL_RATE / PEER_RATE, 2),
        "cpu": round(GOAL_CPU_MS / PEER_CPU_MS, 2),
    }
    ok = exact and rate >= GOAL_RATE and cpu_ms <= GOAL_CPU_MS
    figures = {"devices_per_s": round(rate), "cpu_ms_per_device": round(cpu_ms, 2)}
    print(json.dumps({"name": "rollout", "ratios": ratios, "goals": goals, "ok": ok, **figures}))
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
