"""Tables of access: users, roles, bindings, groups, refresh tokens, audit."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.db.base import Base, BigKey, Json, Uuid

ROOT_GROUP_ID = 1
"""The root of the tree: made by the first migration, never deleted."""


class Group(Base):
    """A node of the tree; the only scope of permission.

    Attributes:
        path: ids from the root down, each followed by a slash (`1/4/9/`): what is inside a
            group is what starts with its path.
        version: counts the edits.
    """

    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("groups.id"))
    name: Mapped[str] = mapped_column(String(128))
    path: Mapped[str] = mapped_column(String(512), unique=True)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[int]

    __table_args__ = (
        UniqueConstraint("parent_id", "name"),
        Index("ix_groups_path_prefix", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )


class User(Base):
    """A person who signs in.

    Attributes:
        email: lower case, unique: the name to sign in with.
        epoch: goes up with every change of rights, password or sign-out of all.
        version: counts the edits.
    """

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    password_hash: Mapped[str] = mapped_column(String(256))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    epoch: Mapped[int] = mapped_column(default=1)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[int]
    disabled_at: Mapped[int | None]
    last_sign_in_at: Mapped[int | None]

    bindings: Mapped[list["Binding"]] = relationship(
        back_populates="user", cascade="all, delete-orphan"
    )


class Role(Base):
    """A named set of permissions; built-in ones cannot be changed.

    Attributes:
        name: how programs call it; never changes.
        title: for people; "" shows the name.
        require_second_factor: who has it can do nothing before setting one up.
        version: counts the edits.
    """

    __tablename__ = "roles"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(128), default="", server_default="")
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    builtin: Mapped[bool] = mapped_column(default=False)
    require_second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    permissions: Mapped[list["RolePermission"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin"
    )


class RolePermission(Base):
    """One permission of one role."""

    __tablename__ = "role_permissions"

    role_id: Mapped[str] = mapped_column(Uuid, ForeignKey("roles.id"), primary_key=True)
    permission: Mapped[str] = mapped_column(String(64), primary_key=True)


class Binding(Base):
    """A role given to a user: on a group and those inside it, or everywhere (group None)."""

    __tablename__ = "bindings"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), index=True)
    role_id: Mapped[str] = mapped_column(Uuid, ForeignKey("roles.id"))
    group_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("groups.id"))
    created_at: Mapped[int]

    user: Mapped[User] = relationship(back_populates="bindings")
    role: Mapped[Role] = relationship(lazy="joined")
    group: Mapped[Group | None] = relationship(lazy="joined")

    __table_args__ = (UniqueConstraint("user_id", "role_id", "group_id"),)


class RefreshToken(Base):
    """One issued refresh token; a family is one sign-in.

    Attributes:
        used_at: when it was exchanged; a second exchange after the grace is a theft and revokes
            the family.
        replaced_by: jti given in exchange.
    """

    __tablename__ = "refresh_tokens"

    jti: Mapped[str] = mapped_column(Uuid, primary_key=True)
    family: Mapped[str] = mapped_column(Uuid, index=True)
    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), index=True)
    issued_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    used_at: Mapped[int | None]
    replaced_by: Mapped[str | None] = mapped_column(Uuid)
    revoked_at: Mapped[int | None]


class AuditEntry(Base):
    """One act of a person or token; never changed, never deleted: the database refuses both.

    Attributes:
        id: number in the chain, without gaps; given when the unit of work ends.
        hash: SHA-256 over the entry and the hash before it (access.audit_chain).
        before, after: what the act changed, secrets masked.
        device_key: puts it on that device's timeline.
    """

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64), index=True)
    actor_name: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(64))
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[str] = mapped_column(String(64))
    subject_name: Mapped[str] = mapped_column(String(254))
    device_key: Mapped[int | None]
    before: Mapped[Any | None] = mapped_column(Json)
    after: Mapped[Any | None] = mapped_column(Json)
    reason: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), server_default="")

    __table_args__ = (
        Index("ix_audit_entries_device", "device_key", "id"),
        Index("ix_audit_entries_subject", "subject_kind", "subject_id", "id"),
        Index("ix_audit_entries_action", "action", "id"),
    )


class AuditHead(Base):
    """How far the chain of the audit log goes: one row, locked while entries are added.

    Attributes:
        number: id of the newest entry, 0 while there is none.
        hash: its hash, "" while there is none.
        at: when it was written, ms since the epoch.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[int]


class AuditCheck(Base):
    """How far the worker has checked the chain: one row.

    Attributes:
        number, hash: of the last entry found intact in the present round.
        checked_at: when it last looked.
        round_at: when a round last began at the first entry.
        fault: what was wrong when it last looked, in words; None when nothing was.
        logged_at: when the head was last printed to the log.
    """

    __tablename__ = "audit_check"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    checked_at: Mapped[int]
    round_at: Mapped[int]
    fault: Mapped[str | None] = mapped_column(Text)
    logged_at: Mapped[int]


class UserPreference(Base):
    """One thing that a person has chosen for themselves, such as the home shown first."""

    __tablename__ = "user_preferences"

    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(64))


class IdempotencyKey(Base):
    """The answer to a request that may be repeated.

    Attributes:
        request_hash: SHA-256 of method, path and body: the same key with another request is a
            mistake.
        status: 0 while the first request is still running.
    """

    __tablename__ = "idempotency_keys"

    user_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)
