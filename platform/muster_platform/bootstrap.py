"""The composition root: real parts wired to the services, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import redis
from sqlalchemy import Engine

from muster_platform.access.actor import Actor
from muster_platform.access.groups import GroupHooks
from muster_platform.adapters.artifact_folder import ArtifactFolder
from muster_platform.adapters.elastic import elastic_store, forget_in_elastic
from muster_platform.adapters.redis_signals import RedisSignals, WakeUps
from muster_platform.alerts.hooks import AlarmGroupHooks, AlarmHooks
from muster_platform.alerts.timeline import AlarmTimeline
from muster_platform.clock import Clock, SystemClock
from muster_platform.db.engine import make_engine
from muster_platform.devices.bulk.hooks import BulkGroupHooks
from muster_platform.devices.hooks import AllHooks, DeviceHooks
from muster_platform.devices.settings_walk import SettingsGroupHooks
from muster_platform.devices.timeline import TimelineProvider
from muster_platform.jobs import kinds
from muster_platform.jobs.hooks import JobGroupHooks, JobHooks
from muster_platform.jobs.timeline import JobTimeline
from muster_platform.logs.hooks import LogHooks
from muster_platform.logs.stores import ELASTICSEARCH, enter_store
from muster_platform.outbox import NoSignals, Signals
from muster_platform.settings import Settings
from muster_platform.unit import Unit, Units
from muster_platform.updates.rollout_inventory import UpdateHooks
from muster_platform.updates.rollout_kind import UpdateKind
from muster_platform.updates.store import ArtifactStore

kinds.register(UpdateKind())

DEVICE_HOOKS: DeviceHooks = AllHooks(JobHooks(), LogHooks(), UpdateHooks(), AlarmHooks())
"""Who hears in the same transaction that a device came, went or was removed."""

GROUP_HOOKS: tuple[GroupHooks, ...] = (
    JobGroupHooks(),
    BulkGroupHooks(),
    SettingsGroupHooks(),
    AlarmGroupHooks(),
)
"""Who hears in the same transaction that a group was moved."""

TIMELINE: tuple[TimelineProvider, ...] = (JobTimeline(), AlarmTimeline())
"""Who has lines for a device's timeline beside the registry."""


enter_store(ELASTICSEARCH, elastic_store, forget_in_elastic)


@dataclass
class Platform:
    """One process's view of the platform; opens nothing until it is used."""

    settings: Settings
    clock: Clock

    @cached_property
    def engine(self) -> Engine:
        """Give the database's engine."""
        if self.settings.database_url.startswith("sqlite"):
            self.settings.state_dir.mkdir(parents=True, exist_ok=True)
        return make_engine(self.settings.database_url)

    @cached_property
    def redis(self) -> "redis.Redis | None":
        """Give the Redis client, or None where none is configured."""
        if not self.settings.redis_url:
            return None
        return redis.Redis.from_url(
            self.settings.redis_url, socket_connect_timeout=2, socket_timeout=5
        )

    @cached_property
    def signals(self) -> Signals:
        """Give what carries signals to other processes."""
        return RedisSignals(self.redis) if self.redis is not None else NoSignals()

    @cached_property
    def units(self) -> Units:
        """Give the opener of units of work."""
        return Units(self.engine, self.clock, self.signals, self.settings)

    @contextmanager
    def unit(self, actor: Actor, *, write: bool = True) -> Iterator[Unit]:
        """Open a unit of work in the actor's name."""
        with self.units.open(actor, write=write) as unit:
            yield unit

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """Give where the files of releases are kept."""
        return ArtifactFolder(self.settings.artifacts_dir)

    def wake_ups(self, role: str) -> WakeUps:
        """Give what a role's loop waits on."""
        return WakeUps(self.redis, role)

    def close(self) -> None:
        """Close what was opened."""
        if "engine" in self.__dict__:
            self.engine.dispose()
        if self.__dict__.get("redis") is not None:
            self.__dict__["redis"].close()


def build(settings: Settings, clock: Clock | None = None) -> Platform:
    """Wire a platform from its settings."""
    return Platform(settings, clock or SystemClock())
