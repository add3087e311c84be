"""Passwords of people: argon2id, and the rule for new ones."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from muster_platform.errors import InvalidInput

PASSWORD_CHARS = range(10, 257)
"""Length of a password; longer is refused before it costs anything to hash."""

# OWASP's first choice for argon2id: 46 MiB, one pass, one lane.
_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
# Of a random password nobody knows: what a check costs does not tell whether the user exists.
_NOBODY = (
    "$argon2id$v=19$m=47104,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw"
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


def hash_password(password: str, *, where: str = "password") -> str:
    """Hash a new password.

    Raises:
        InvalidInput: too short or too long.
    """
    if len(password) not in PASSWORD_CHARS:
        raise InvalidInput(
            f"a password has {PASSWORD_CHARS.start} to {PASSWORD_CHARS.stop - 1} characters; "
            f"this one has {len(password)}",
            where=where,
        )
    return _HASHER.hash(password)


def verify_password(password: str, stored: str | None) -> bool:
    """Say whether the password is right; the same work for a user that does not exist (None)."""
    try:
        right = _HASHER.verify(stored or _NOBODY, password[: PASSWORD_CHARS.stop])
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


def needs_rehash(stored: str) -> bool:
    """Say whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def one_time_password() -> str:
    """Make a random password for a first sign-in (96 bits)."""
    return secrets.token_urlsafe(12)
