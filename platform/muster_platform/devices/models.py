"""Tables of the registry: profiles, devices, credentials, enrolment, presence, settings."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.access.models import Group
from muster_platform.db.base import Base, BigKey, Json, Uuid


class Profile(Base):
    """A device type.

    Attributes:
        contact: `always` (a lost connection is OFFLINE) or `periodic` (it is SLEEPING).
        expect_every_s: silence after which something is expected.
        qos_down: QoS of commands and updates (0, 1 or 2).
        message_bytes_max: largest message taken of one of its devices; 0 for the installation's.
        metrics_max: most names of telemetry that one device may have; 0 for any number.
        telemetry_kept_days, logs_kept_days: how long data is kept; 0 for ever, None for the
            installation's.
        command_queue_s, command_timeout_s, command_step_timeout_s: limits of commands for which
            nobody chose any; None for the installation's.
        version: counts the edits.
    """

    __tablename__ = "profiles"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(128))
    contact: Mapped[str] = mapped_column(String(16), default="always")
    expect_every_s: Mapped[int] = mapped_column(default=300)
    qos_down: Mapped[int] = mapped_column(default=1)
    message_bytes_max: Mapped[int] = mapped_column(default=0, server_default="0")
    metrics_max: Mapped[int] = mapped_column(default=0, server_default="0")
    telemetry_kept_days: Mapped[int | None]
    logs_kept_days: Mapped[int | None]
    command_queue_s: Mapped[int | None]
    command_timeout_s: Mapped[int | None]
    command_step_timeout_s: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[int]


class Device(Base):
    """A registered device; `id` is the internal key, never seen by devices.

    Attributes:
        device_id: MQTT client id; unique among devices that are not deleted, never renamed.
        gateway_id: key of the gateway that speaks for it, or None.
        plain: no hello was ever seen.
        install_id: of the newest installation; previous_install_id tells a clone.
        search: lower-case id and display name, for the list's search box.
        version: counts the edits of people; what the device says counts none.
    """

    __tablename__ = "devices"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    display_name: Mapped[str] = mapped_column(String(128))
    profile_id: Mapped[int] = mapped_column(BigKey, ForeignKey("profiles.id"), index=True)
    group_id: Mapped[int] = mapped_column(BigKey, ForeignKey("groups.id"), index=True)
    gateway_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("devices.id"), index=True)
    plain: Mapped[bool] = mapped_column(default=True)
    install_id: Mapped[str | None] = mapped_column(String(64))
    previous_install_id: Mapped[str | None] = mapped_column(String(64))
    cloned_at: Mapped[int | None]
    agent: Mapped[str] = mapped_column(String(260), default="")
    capabilities: Mapped[list[Any]] = mapped_column(Json, default=list)
    attributes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    search: Mapped[str] = mapped_column(String(256), default="")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[int]
    enrolled_at: Mapped[int | None]
    disabled_at: Mapped[int | None]
    deleted_at: Mapped[int | None]
    deleted_by: Mapped[str] = mapped_column(String(254), default="", server_default="")
    purge_at: Mapped[int | None] = mapped_column(index=True)
    capture_until: Mapped[int | None]

    profile: Mapped[Profile] = relationship(lazy="joined")
    group: Mapped[Group] = relationship(lazy="joined")
    presence: Mapped["Presence"] = relationship(
        lazy="joined", cascade="all, delete-orphan", uselist=False
    )
    tags: Mapped[list["Tag"]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    __table_args__ = (
        Index(
            "uq_devices_device_id_live",
            "device_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
            sqlite_where=text("deleted_at IS NULL"),
        ),
        Index("ix_devices_display_name", "display_name", "id"),
        Index(
            "ix_devices_search",
            "search",
            postgresql_using="gin",
            postgresql_ops={"search": "gin_trgm_ops"},
        ),
    )


class Presence(Base):
    """What is believed of a device's connection; apart from `devices` because it is hot.

    Attributes:
        session: newest session number seen, 0 for none.
        reason: connected, disconnected, lost, sleep, silent, heard, gateway, broker, disabled;
            "" for none.
        since: when this state began.
        ended: the newest session said goodbye or left its will.
        until: end of an announced sleep.
        check_at: when silence must be judged next; None when nothing is due.
    """

    __tablename__ = "presences"

    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), default="UNKNOWN", index=True)
    reason: Mapped[str] = mapped_column(String(32), default="")
    since: Mapped[int]
    session: Mapped[int] = mapped_column(default=0)
    ended: Mapped[bool] = mapped_column(default=False)
    until: Mapped[int | None]
    heard_at: Mapped[int | None]
    hello_at: Mapped[int | None]
    check_at: Mapped[int | None] = mapped_column(BigInteger, index=True)


class Tag(Base):
    """A name and value on a device; selects, grants nothing."""

    __tablename__ = "tags"

    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(128), default="")

    __table_args__ = (Index("ix_tags_name_value", "name", "value"),)


class InventoryItem(Base):
    """A component that a device says it has, and since when in this version."""

    __tablename__ = "inventory_items"

    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    component: Mapped[str] = mapped_column(String(128), primary_key=True)
    version: Mapped[str] = mapped_column(String(128))
    since: Mapped[int]

    __table_args__ = (Index("ix_inventory_items_component_version", "component", "version"),)


class Credential(Base):
    """A device's secret, hashed in Mosquitto's own form; several at a time for rotation.

    Attributes:
        prefix: first characters of the secret, to recognise it.
        last_used_at: when a device connected with it, exact to an hour.
    """

    __tablename__ = "credentials"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), index=True)
    hash: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    revoked_at: Mapped[int | None]
    enrolment_token_id: Mapped[str | None] = mapped_column(Uuid)
    install_id: Mapped[str | None] = mapped_column(String(64))
    prefix: Mapped[str] = mapped_column(String(8), default="", server_default="")
    last_used_at: Mapped[int | None]


class EnrolmentToken(Base):
    """Lets devices of a profile enrol.

    Attributes:
        mode: `pre_registered` (the device must be registered already), `allow_new`, or
            `approve` (a person decides on each).
        token_hash: SHA-256 of the token (256 random bits, so no slow hash is needed).
        token_prefix: first characters, to recognise it.
        reenrol: a device that has a working secret may enrol again with it.
    """

    __tablename__ = "enrolment_tokens"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    profile_id: Mapped[int] = mapped_column(BigKey, ForeignKey("profiles.id"))
    group_id: Mapped[int] = mapped_column(BigKey, ForeignKey("groups.id"))
    mode: Mapped[str] = mapped_column(String(16))
    reenrol: Mapped[bool] = mapped_column(default=False)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_prefix: Mapped[str] = mapped_column(String(12))
    max_uses: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    revoked_at: Mapped[int | None]

    profile: Mapped[Profile] = relationship(lazy="joined")
    group: Mapped[Group] = relationship(lazy="joined")


class DeviceSettings(Base):
    """Desired and reported settings of a device.

    Attributes:
        own: what is desired of this device alone; the layers of its profile and its groups
            (`SettingsLayer`) lie below.
        own_version: counts the edits of `own`.
        version: of `desired`, counts up; 0 when nothing was ever desired.
        desired: the layers merged: what the device is told.
        desired_since, reported_since: {key: ms since the epoch} of the last change of its value.
        applied_version: version that the device says it has applied.
        told_at: when `desired` was last given to the broker.
        problem: why the merged layers cannot be told, "" when they can.
    """

    __tablename__ = "device_settings"

    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"), primary_key=True)
    own: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")
    own_version: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=0)
    desired: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    desired_at: Mapped[int | None]
    desired_since: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")
    applied_version: Mapped[int] = mapped_column(default=0)
    reported: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    errors: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    reported_at: Mapped[int | None]
    reported_since: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")
    told_at: Mapped[int | None]
    problem: Mapped[str] = mapped_column(String(256), default="", server_default="")


class DeviceEvent(Base):
    """A line of a device's timeline that no other table holds.

    Attributes:
        kind: presence, hello, inventory, settings, enrolment, app_event, clone, credential.
    """

    __tablename__ = "device_events"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    device_key: Mapped[int] = mapped_column(BigKey, ForeignKey("devices.id"))
    at: Mapped[int]
    kind: Mapped[str] = mapped_column(String(32))
    summary: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)

    __table_args__ = (Index("ix_device_events_device_at", "device_key", "at"),)


class Outbound(Base):
    """A message to publish that is not an execution: settings, clearing, kicks.

    Dispatch claims rows by lease in the order of id, publishes, deletes on PUBACK.
    """

    __tablename__ = "outbound"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    topic: Mapped[str] = mapped_column(String(256), index=True)
    payload: Mapped[str] = mapped_column(Text)
    retain: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[int]
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[int | None]


class Lease(Base):
    """Who does a role of which there may be only one at a time (ingest, bridge).

    Attributes:
        since: when it was taken after nobody had held it; renewing does not move it.
    """

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    until: Mapped[int]
    since: Mapped[int] = mapped_column(default=0)
