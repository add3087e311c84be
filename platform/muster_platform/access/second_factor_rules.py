"""One-time codes by time (TOTP, RFC 6238) and recovery codes. Pure."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

import pyotp

STEP_S = 30
DRIFT_STEPS = 1
"""How many steps a phone's clock may be off, either way."""
DIGITS = 6
SECRET_CHARS = 32
"""Base32: 160 bits, as RFC 4226 recommends."""
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
RECOVERY_CHARS = 16


def new_secret() -> str:
    """Make a secret, in base32."""
    return pyotp.random_base32(SECRET_CHARS)


def matching_step(secret: str, code: str, now_ms: int, last_step: int) -> int | None:
    """Give the time step that a code is right for, None for none.

    Args:
        last_step: the last one that was taken: it and those before are not taken again.
    """
    digits = "".join(code.split())
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    now = now_ms // 1000 // STEP_S
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        right = hmac.compare_digest(totp.generate_otp(step), digits)
        if right and step > last_step:
            found = step
    return found


def address(secret: str, email: str, public_url: str) -> str:
    """Give the otpauth:// address that the QR code holds.

    Args:
        public_url: of this installation; its host tells two installations apart in the app.
    """
    host = urlsplit(public_url).hostname or ""
    issuer = f"Muster {host}".strip()
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def new_recovery_codes() -> list[str]:
    """Make recovery codes as people write them down, 80 bits each."""
    return [_grouped(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]


def recovery_hash(code: str) -> str | None:
    """Give the hash of a recovery code, however it was typed; None when it can be none."""
    plain = "".join(char for char in code.lower() if char.isalnum())
    if len(plain) != RECOVERY_CHARS or not plain.isascii():
        return None
    return hashlib.sha256(plain.encode()).hexdigest()


def _grouped(raw: bytes) -> str:
    plain = base64.b32encode(raw).decode().lower()
    return "-".join(plain[start : start + 4] for start in range(0, RECOVERY_CHARS, 4))
