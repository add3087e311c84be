"""The words one searches logs by: words that all occur, "phrases", -not. Pure."""

from dataclasses import dataclass

from muster_platform.errors import InvalidInput

QUERY_CHARS = 500
TERMS = 20


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that occurs, or does not.

    Attributes:
        text: as typed, without quotes; never empty.
        absent: it must not occur.
    """

    text: str
    absent: bool = False


def parse(query: str) -> tuple[Term, ...]:
    r"""Read a query.

    Words are parted by white space and must all occur, in any order. `"two words"` must occur as
    they stand; `\"` inside is a quote. A minus in front means that it must not occur.

    Raises:
        InvalidInput: a quote that is not closed, nothing behind a minus, too much of it. The
            error's `position` counts characters from 1.
    """
    if len(query) > QUERY_CHARS:
        raise _mistake(f"a search has at most {QUERY_CHARS} characters", QUERY_CHARS + 1)
    terms: list[Term] = []
    at = 0
    while at < len(query):
        if query[at].isspace():
            at += 1
            continue
        term, at = _term(query, at)
        if len(terms) == TERMS:
            raise _mistake(f"a search has at most {TERMS} words and phrases", at)
        terms.append(term)
    return tuple(terms)


def _term(query: str, start: int) -> tuple[Term, int]:
    absent = query[start] == "-" and len(query) > 1
    at = start + 1 if absent else start
    if absent and (at == len(query) or query[at].isspace()):
        raise _mistake("write what must not occur right behind the minus", start + 1)
    if query[at] == '"':
        text, end = _phrase(query, at)
    else:
        text, end = _word(query, at)
    return Term(text, absent), end


def _word(query: str, start: int) -> tuple[str, int]:
    end = start
    while end < len(query) and not query[end].isspace():
        end += 1
    return query[start:end], end


def _phrase(query: str, start: int) -> tuple[str, int]:
    found: list[str] = []
    at = start + 1
    while at < len(query) and query[at] != '"':
        if query.startswith(('\\"', "\\\\"), at):
            at += 1
        found.append(query[at])
        at += 1
    if at == len(query):
        raise _mistake('the quote " is not closed', start + 1)
    if not found:
        raise _mistake("there is nothing between the quotes", start + 1)
    return "".join(found), at + 1


def write(terms: tuple[Term, ...]) -> str:
    """Write terms as a query that reads back as the same."""
    return " ".join(("-" if term.absent else "") + _quoted(term.text) for term in terms)


def _quoted(text: str) -> str:
    plain = not any(c.isspace() for c in text) and text[0] not in '-"'
    if plain:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def matches(terms: tuple[Term, ...], text: str) -> bool:
    """Say whether a text holds what must occur and lacks what must not; case does not matter."""
    lowered = text.lower()
    return all((term.text.lower() in lowered) is not term.absent for term in terms)


def _mistake(what: str, position: int) -> InvalidInput:
    return InvalidInput(f"{what} (character {position})", where="text", position=position)
