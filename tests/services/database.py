"""Databases at the present version: migrated once per run, fresh for each test."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from muster_platform import models as _all_tables  # noqa: F401 - fills the metadata
from muster_platform.access.actor import Actor, Grant, system_actor
from muster_platform.access.permissions import BUILTIN_ROLES
from muster_platform.bootstrap import Platform
from muster_platform.clock import ManualClock
from muster_platform.db.base import Base
from muster_platform.db.engine import make_engine
from muster_platform.db.migrate import upgrade
from muster_platform.outbox import Signal
from muster_platform.settings import Settings
from tests.services.postgresql import Postgres


@dataclass
class RecordedSignals:
    """Keeps what was sent after the commits."""

    sent: list[Signal] = field(default_factory=list)

    def send(self, signals: list[Signal]) -> None:
        """Keep them."""
        self.sent.extend(signals)


def migrate(url: str) -> None:
    """Bring an empty database to the present version."""
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


@dataclass
class MigratedPostgres:
    """One migrated PostgreSQL database, emptied for each test: a copy would take far longer."""

    server: Postgres
    name: str = ""

    def empty(self) -> str:
        """Bring it back to what the migrations leave and give its address."""
        if self.name:
            self.server.execute(_TO_FIRST_ROWS, self.name)
        else:
            self.name = self.server.create()
            migrate(self.server.url(self.name))
        return self.server.url(self.name)


_KEPT = {"roles", "role_permissions", "groups", "rules"}
_TO_FIRST_ROWS = ";\n".join(
    [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        # The guard of the audit log is a trigger: this connection does without triggers.
        "SET session_replication_role = replica",
        *(
            f"DELETE FROM {table.name}"
            for table in reversed(Base.metadata.sorted_tables)
            if table.name not in _KEPT
        ),
        "SET session_replication_role = origin",
        "INSERT INTO audit_head VALUES (1, 0, '', 0)",
        "INSERT INTO audit_check (id, number, hash, checked_at, round_at, logged_at)"
        " VALUES (1, 0, '', 0, 0, 0)",
        "DELETE FROM groups WHERE id <> 1",
        "UPDATE groups SET name = 'Fleet'",
        "DELETE FROM role_permissions WHERE role_id IN (SELECT id FROM roles WHERE NOT builtin)",
        "DELETE FROM roles WHERE NOT builtin",
        "DELETE FROM rules WHERE builtin IS NULL",
        "UPDATE rules SET enabled = true, due_at = 0, evaluated_at = NULL, remembered = '{}',"
        " version = 1, problem = ''",
        "UPDATE roles SET require_second_factor = false, version = 1",
        "SELECT setval(format('%I', sequencename)::regclass,"
        " CASE sequencename WHEN 'groups_id_seq' THEN 2 ELSE 1 END, false) FROM pg_sequences",
    ]
)


@dataclass
class MigratedSqlite:
    """Copies of a migrated SQLite file."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def copy(self) -> str:
        """Make one and give its address."""
        template = self.folder / "template.db"
        if not template.exists():
            migrate(f"sqlite:///{template}")
        path = self.folder / f"copy-{next(self.numbers)}.db"
        shutil.copyfile(template, path)
        return f"sqlite:///{path}"


class TestPlatform(Platform):
    """A platform with a clock that the test moves and signals that it can read."""

    __test__ = False

    def __init__(self, url: str, state_dir: Path) -> None:
        settings = Settings(
            state_dir=state_dir,
            database_url=url,
            jwt_secret="j" * 32,
            broker_token="b" * 32,
            mqtt_password="m" * 32,
        )
        super().__init__(settings, ManualClock())
        self.recorded = RecordedSignals()
        self.__dict__["signals"] = self.recorded

    @property
    def time(self) -> ManualClock:
        """Give the clock, to be moved."""
        assert isinstance(self.clock, ManualClock)
        return self.clock

    def configure(self, **changes: object) -> None:
        """Change settings for the units opened from now on."""
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        self.__dict__.pop("units", None)


ADMIN = system_actor("test")
"""May everything everywhere."""


def actor(role: str, group_path: str | None = None, user_id: str = "someone") -> Actor:
    """Make a person with a built-in role on a group (None: everywhere), without a user's row."""
    return Actor(
        "user", user_id, f"{user_id}@example.org", (Grant(BUILTIN_ROLES[role], group_path),)
    )


NOBODY = Actor("user", "nobody", "nobody@example.org")
"""Signed in, with no rights at all."""
