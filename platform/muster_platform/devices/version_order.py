"""Which of two versions is newer, for people. Pure; no scheme is asked of anybody."""

import re

_CHUNK = re.compile(r"(\d+)")

Order = tuple[tuple[int, int, str], ...]


def version_key(version: str) -> Order:
    """Give what versions are ordered by: numbers as numbers, `1.2-rc1` before `1.2`.

    Build notes behind a plus do not count.
    """
    main, _, before = version.partition("+")[0].strip().lstrip("vV").partition("-")
    parts = [*_chunks(main)]
    while parts and parts[-1] == (2, 0, ""):
        parts.pop()  # 1.0 and 1 are the same
    end = (1, 0, "")
    return (*parts, end) if not before else (*parts, (0, 0, ""), *_chunks(before))


def _chunks(text: str) -> list[tuple[int, int, str]]:
    """Cut text into numbers (kind 2) and words (kind 0); what separates them does not count."""
    found = []
    for chunk in _CHUNK.split(text):
        if chunk.isdecimal() and chunk.isascii():
            found.append((2, int(chunk[:18]), ""))
        elif word := chunk.strip("._-~ "):
            found.append((0, 0, word))
    return found
