"""What a password must be (OWASP ASVS 5.0, 6.2): long, not common, not about its owner. Pure.

No rules of composition, no change by the calendar: both make people choose worse ones.
"""

import re
from collections.abc import Iterable
from functools import cache

PASSWORD_CHARS = range(12, 257)
"""Length of a password; longer is refused before it costs anything to hash."""

REST_CHARS = 8
"""What must be left when the words that anybody could guess are taken away."""
WORD_CHARS = 4
"""Shorter words are not looked for: they stand in everything."""
PRODUCT = "muster"


def fault(password: str, context: Iterable[str] = ()) -> str:
    """Say what is wrong with a password, "" when nothing is.

    Args:
        context: what is known of its owner: e-mail address, name.
    """
    least, most = PASSWORD_CHARS.start, PASSWORD_CHARS.stop - 1
    if len(password) not in PASSWORD_CHARS:
        return f"a password has {least} to {most} characters; this one has {len(password)}"
    plain = password.casefold()
    if _is_common(plain) or len(_piece(plain)) < REST_CHARS or _is_common(_piece(plain)):
        return (
            "this password is on the lists that attackers try first, or a short piece again and "
            "again; take another one"
        )
    rest = _without(plain, context)
    if rest != plain and (len(rest) < REST_CHARS or _is_common(rest)):
        return (
            "this password is little more than your name, your address or the product's name; "
            "take another one"
        )
    return ""


def _is_common(plain: str) -> bool:
    core = plain.strip("0123456789!?.,-_#*$@ ")
    return plain in _common() or (len(core) < len(plain) and core in _common())


def _piece(plain: str) -> str:
    """Give the piece that makes the whole text when repeated; mostly the text itself."""
    return plain[: (plain + plain).index(plain, 1)]


def _without(plain: str, context: Iterable[str]) -> str:
    words = {PRODUCT}
    for text in context:
        words |= {word for word in re.split(r"\W+", text.casefold()) if len(word) >= WORD_CHARS}
    for word in sorted(words, key=len, reverse=True):
        plain = plain.replace(word, "")
    return plain


@cache
def _common() -> frozenset[str]:
    # Here, not above: half a second and several MB that only a change of password needs.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
