"""Tables of API tokens: what programs sign in with, and what each may do."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from muster_platform.access.models import Group, Role, User
from muster_platform.db.base import Base, BigKey, Json, Uuid


class ApiToken(Base):
    """A token that a program of its owner's signs in with; its text is stored nowhere.

    Attributes:
        user_id: the owner, whose present rights the token never exceeds.
        prefix: the part of the text by which people recognise it.
        hash: SHA-256 of the whole text: random enough that a slow hash would add nothing.
        last_used_at: at most a minute old.
        created_by: name of whoever made it.
    """

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    prefix: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[int]
    created_by: Mapped[str] = mapped_column(String(254))
    expires_at: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None]
    last_used_address: Mapped[str | None] = mapped_column(String(64))
    revoked_at: Mapped[int | None]

    owner: Mapped[User] = relationship(lazy="joined")
    bindings: Mapped[list["TokenBinding"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="TokenBinding.id"
    )


class TokenBinding(Base):
    """What a token may do: a role, or permissions by name; on a group or everywhere (None).

    Attributes:
        permissions: names, where there is no role.
    """

    __tablename__ = "token_bindings"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    token_id: Mapped[str] = mapped_column(Uuid, ForeignKey("api_tokens.id"), index=True)
    role_id: Mapped[str | None] = mapped_column(Uuid, ForeignKey("roles.id"))
    group_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("groups.id"))
    permissions: Mapped[Any | None] = mapped_column(Json)

    role: Mapped[Role | None] = relationship(lazy="joined")
    group: Mapped[Group | None] = relationship(lazy="joined")
