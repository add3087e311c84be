"""Tables of signing in: sign-ins that last, tries, second factors, links in mails."""

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from muster_platform.db.base import Base, Uuid


class SignInSession(Base):
    """A sign-in that lasts: what its refresh tokens have in common.

    Attributes:
        family: of its refresh tokens.
        authenticated_at: when the person last gave password (and code).
        used_at: when it last exchanged a refresh token or gave the password.
        address, user_agent: as they were then; user_agent is the browser's own word.
        second_factor: whether a code was given.
    """

    __tablename__ = "sign_in_sessions"

    family: Mapped[str] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), index=True)
    started_at: Mapped[int]
    authenticated_at: Mapped[int]
    used_at: Mapped[int] = mapped_column(BigInteger, index=True)
    address: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(256))
    second_factor: Mapped[bool] = mapped_column(default=False)
    ended_at: Mapped[int | None]


class SignInTry(Base):
    """Tries to sign in: each that succeeded, and of those that failed one row a minute.

    Attributes:
        user_id: None when no such account exists; what was typed is then kept nowhere, since
            people type passwords into the wrong field.
        email: of the account, "" without one.
        address, user_agent: of the last of these tries.
        outcome: see `access.sign_ins`.
        tries: how many this row stands for.
        bucket: account and minute of a failed one; None for one that succeeded.
    """

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    user_id: Mapped[str | None] = mapped_column(Uuid, ForeignKey("users.id"))
    email: Mapped[str] = mapped_column(String(254))
    address: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(256))
    outcome: Mapped[str] = mapped_column(String(24))
    second_factor: Mapped[bool] = mapped_column(default=False)
    tries: Mapped[int] = mapped_column(default=1)
    bucket: Mapped[str | None] = mapped_column(String(96), unique=True)

    __table_args__ = (Index("ix_sign_ins_user", "user_id", "at"),)


class SecondFactor(Base):
    """A person's authenticator app (TOTP, RFC 6238).

    Attributes:
        secret: base32, as the app has it.
        confirmed_at: None until a first code proved that the app has it.
        last_step: the last time step whose code was taken; none up to it is taken again.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]
    confirmed_at: Mapped[int | None]
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    """One way in without the app; works once. Random enough that a slow hash adds nothing."""

    __tablename__ = "recovery_codes"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), index=True)
    hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[int | None]


class MailLink(Base):
    """A link that was mailed: whoever opens it may set the account's password, once.

    Attributes:
        purpose: invitation or reset.
        hash: SHA-256 of the token in the link, which is stored nowhere but in the mail.
    """

    __tablename__ = "mail_links"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    used_at: Mapped[int | None]
    revoked_at: Mapped[int | None]
