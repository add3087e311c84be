"""Passwords of people: argon2id, and the rule for new ones."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from muster_platform.access.password_rules import PASSWORD_CHARS, fault
from muster_platform.errors import InvalidInput

# OWASP's first choice for argon2id: 46 MiB, one pass, one lane.
_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
# Of a random password nobody knows: what a check costs does not tell whether the user exists.
_NOBODY = (
    "$argon2id$v=19$m=47104,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw"
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


def hash_password(password: str, *, where: str = "password", context: tuple[str, ...] = ()) -> str:
    """Hash a new password.

    Args:
        context: what is known of its owner: e-mail address, name.

    Raises:
        InvalidInput: too short, too long, common, or about its owner (`password_rules`).
    """
    wrong = fault(password, context)
    if wrong:
        raise InvalidInput(wrong, where=where)
    return _HASHER.hash(password)


def rehash(password: str) -> str:
    """Hash a password that is in use with today's parameters; it was checked when it was set."""
    return _HASHER.hash(password)


def verify_password(password: str, stored: str | None) -> bool:
    """Say whether the password is right.

    Args:
        stored: None for a user that does not exist, "" for one without a password: the same work.
    """
    try:
        right = _HASHER.verify(stored or _NOBODY, password[: PASSWORD_CHARS.stop])
    except (VerificationError, InvalidHashError):
        return False
    return right and bool(stored)


def needs_rehash(stored: str) -> bool:
    """Say whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def one_time_password() -> str:
    """Make a random password for a first sign-in (96 bits)."""
    return secrets.token_urlsafe(12)
