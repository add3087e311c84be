"""Secrets at rest, in the form that Mosquitto reads: ``$7$iterations$salt$hash``.

The hash is PBKDF2 with SHA-512 (RFC 8018, section 5.2), 64 bytes long, over a salt of 12 bytes, as
mosquitto_passwd writes it; so moving to Mosquitto is configuration and no device needs a new
secret. Few iterations are enough for what it holds: secrets are random with 256 bits, there is no
dictionary to try, and the check is made at every connection.
"""

import base64
import binascii
import hashlib
import hmac
import os

ITERATIONS = 101
"""Mosquitto's own default."""
SALT_BYTES = 12
HASH_BYTES = 64
_MAX_ITERATIONS = 1_000_000
"""Above it a stored line is taken for damage: checking it would hold the broker for seconds."""


def hash_secret(secret: str, *, iterations: int = ITERATIONS, salt: bytes | None = None) -> str:
    """Hash a secret for storing.

    Args:
        secret: any text without NUL; taken as UTF-8.
        iterations: rounds of PBKDF2, at least 1.
        salt: bytes to use instead of fresh random ones; for tests.

    Returns:
        ``$7$<iterations>$<base64 salt>$<base64 hash>``.

    Raises:
        ValueError: the secret holds a NUL. HMAC fills a short key with them (RFC 2104, section 2),
            so that "a" and "a" with a NUL behind it would be the same secret.
    """
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    digest = _derive(secret, salt, iterations)
    return f"$7${iterations}${_text(salt)}${_text(digest)}"


def verify_secret(secret: str, stored: str) -> bool:
    """Say whether the secret is the one that was hashed; False for a damaged line or a NUL in it.

    Takes the same time whether the hashes differ early or late, and never raises.
    """
    try:
        empty, kind, rounds, salt_text, hash_text = stored.split("$")
        iterations = int(rounds)
        salt = base64.b64decode(salt_text, validate=True)
        expected = base64.b64decode(hash_text, validate=True)
        if empty or kind != "7" or not 1 <= iterations <= _MAX_ITERATIONS or not expected:
            return False
        return hmac.compare_digest(_derive(secret, salt, iterations), expected)
    except (ValueError, binascii.Error):
        return False


def _derive(secret: str, salt: bytes, iterations: int) -> bytes:
    if "\0" in secret:
        raise ValueError("a secret cannot hold a NUL")
    return hashlib.pbkdf2_hmac(
        "sha512", secret.encode("utf-8", "surrogatepass"), salt, iterations, HASH_BYTES
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
