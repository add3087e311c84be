"""Secrets never reach the audit log, whoever passes them: masked by name and by look.

Pure. What is masked stays visible as a change: the key is there, its value is not.
"""

import itertools
import math
import re
from typing import Any

from muster_platform.db.text import clean_json

MASKED = "***"
ANOTHER = "*** (another one)"
"""After a secret that was another one before: that it changed is no secret."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    {
        *("password", "passwords", "passwd", "pwd", "passphrase", "passcode", "pin", "psk"),
        *("secret", "secrets", "token", "tokens", "hash", "hashes", "salt"),
        *("authorization", "cookie", "cookies", "credential", "credentials", "bearer", "jwt"),
        *("otp", "totp", "hotp", "mnemonic", "apikey"),
    }
)
_SECRET_PAIRS = frozenset(
    {
        *(("api", "key"), ("private", "key"), ("secret", "key"), ("access", "key")),
        *(("encryption", "key"), ("signing", "key"), ("shared", "key"), ("auth", "key")),
        *(("recovery", "code"), ("recovery", "codes"), ("recovery", "key"), ("backup", "codes")),
        *(("one", "time"), ("connection", "string")),
    }
)
_TELLS_NOTHING = frozenset(
    {
        *("id", "ids", "at", "s", "ms", "name", "names", "count", "prefix", "kind", "type"),
        *("mode", "length", "min", "max", "days", "expires", "policy", "rule", "rules"),
    }
)
"""Last words of names about a secret that are none themselves: `password_changed_at`."""

_SECRET_LOOK = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # a JSON Web Token
    r"|\bm[a-z]{1,3}_[A-Za-z0-9_-]{24,}"  # tokens of this installation (`mst_…`)
    r"|\$(?:argon2\w*|7|2[aby]|5|6|pbkdf2[\w-]*)\$[^\s\"']{16,}"  # hashes of passwords
    r"|(?i:\b(?:bearer|basic)\s+)[\w.~+/=-]{12,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
    r"|(?<=://)[^\s/:@\"']+:[^\s/@\"']+(?=@)"  # user:password in an address
)


def names_a_secret(key: str) -> bool:
    """Say whether a key is the name of a secret, in whatever spelling (`wifiPassword`)."""
    words = [word.lower() for word in _WORD.findall(key)]
    if not words or words[-1] in _TELLS_NOTHING:
        return False
    return not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(
        itertools.pairwise(words)
    )


def mask_text(text: str) -> str:
    """Mask what looks like a secret inside a text."""
    return _SECRET_LOOK.sub(MASKED, text)


def mask(value: Any) -> Any:
    """Give a JSON value fit for every store, secrets masked at any depth.

    A truth value is kept (`password: true` says that there is one), and so is None.
    """
    return _masked(clean_json(value))


def mask_change(before: Any, after: Any) -> tuple[Any, Any]:
    """Mask what was before and after an act; a secret that changed shows that it did."""
    return mask(before), _told(clean_json(before), clean_json(after), mask(after))


def _told(before: Any, after: Any, masked: Any) -> Any:
    """Mark in the masked value after an act the secrets that were others before it."""
    if not (isinstance(before, dict) and isinstance(after, dict) and isinstance(masked, dict)):
        return masked
    return {
        key: (ANOTHER if item == MASKED else _told(before[key], after[key], item))
        if key in before and before[key] is not None and before[key] != after[key]
        else item
        for key, item in masked.items()
    }


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _hidden(item) if names_a_secret(key) else _masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    return value


def _hidden(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else MASKED
