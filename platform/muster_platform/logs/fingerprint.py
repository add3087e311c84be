"""Fingerprints: the same fault on a thousand devices is one line, whatever numbers it names.

Of an exception count its type and the innermost frames, by file and function without line numbers
(a new build moves lines); without a stack trace, or without an exception, the message with all
that varies taken out.
"""

import hashlib
import re
from collections.abc import Callable

from muster_protocol.messages import LEVEL_NUMBER, Level, LogRecord

ALGORITHM = 1
"""Version of what makes a fingerprint; see decision 86 before changing anything below."""
FINGERPRINT_CHARS = 32
FRAMES = 5
"""Innermost frames that count."""
MESSAGE_CHARS = 1_000
STACK_LINES = 400

_VARYING: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<uuid>"),
        (r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'<>]+", "<url>"),
        (r"[^\s@\"'<>]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+", "<email>"),
        (r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b", "<address>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b", "<address>"),
        (r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\w:])", "<address>"),
        (r"(?<![\w.<])(?:[A-Za-z]:)?(?:[\\/][\w.@+~$%-]+){2,}[\\/]?", "<path>"),
        (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
        (r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b", "<hex>"),
        (r"[-+]?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+)?", "<n>"),
    )
)
_SPACE = re.compile(r"\s+")

_PYTHON = re.compile(r'File "([^"]{1,300})", line \d+(?:, in (\S{1,200}))?')
_JAVA = re.compile(r"^at ([\w.$<>/]{1,300})\(([\w$.-]{1,200})(?::\d+)?\)")
_SCRIPT = re.compile(r"^at (?:async )?(?:([^\s(]{1,200}) \()?([^\s()]{1,300}?):\d+(?::\d+)?\)?$")
_GECKO = re.compile(r"^([^\s@]{0,200})@([^\s]{1,300}?):\d+(?::\d+)?$")
_NATIVE = re.compile(r"^#\d+\s+(?:pc\s+)?(?:0?x?[0-9a-fA-F]+\s+)?(?:in\s+)?(\S.{0,300})$")


def fingerprint(record: LogRecord) -> str:
    """Give the fingerprint of a record: 32 hexadecimal digits, or "" below ERROR."""
    if LEVEL_NUMBER[record.level] < LEVEL_NUMBER[Level.ERROR]:
        return ""
    return hashlib.sha256("\n".join(essence(record)).encode("utf-8", "replace")).hexdigest()[
        :FINGERPRINT_CHARS
    ]


def essence(record: LogRecord) -> list[str]:
    """Give what of a record makes the fingerprint."""
    fault = record.exception
    if fault is None:
        return ["line", record.logger, normalise(record.message)]
    kind = normalise(fault.type)
    found = frames(fault.stacktrace)
    if found:
        return ["stack", kind, *found]
    return ["fault", kind, normalise(fault.message or record.message)]


def title(kind: str | None, message: str, fault: str | None, stacktrace: str | None) -> str:
    """Name a fault by what all records of its fingerprint share, and nothing else.

    Two devices' records may differ in all that the fingerprint leaves out: whoever sees one of
    them must not read of the other.

    Args:
        kind: type of the exception, None without one.
        message: of the record.
        fault: message of the exception.
    """
    if kind is None:
        return normalise(message)
    found = frames(stacktrace or "")
    if found:
        return f"{normalise(kind)} in {found[0]}"
    said = normalise(fault or message)
    return f"{normalise(kind)}: {said}" if said else normalise(kind)


def normalise(text: str) -> str:
    """Take out what varies: numbers, hexadecimal, ids, paths, addresses, white space."""
    text = text[:MESSAGE_CHARS]
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return _SPACE.sub(" ", text).strip()


def frames(stacktrace: str) -> list[str]:
    """Give the innermost frames of a trace, innermost first, as `file:function`.

    Knows Python, Java and Kotlin, JavaScript, and native (`#0 …`) traces; [] for any other.
    """
    lines = [line.strip() for line in stacktrace.splitlines()]
    python = _frames(lines[-STACK_LINES:], _python_frame)
    if python:
        return python[::-1][:FRAMES]
    return _frames(lines[:STACK_LINES], _other_frame)[:FRAMES]


def _frames(lines: list[str], read: Callable[[str], str]) -> list[str]:
    return [frame for frame in map(read, lines) if frame]


def _python_frame(line: str) -> str:
    match = _PYTHON.search(line)
    return f"{_file(match[1])}:{match[2] or ''}" if match else ""


def _other_frame(line: str) -> str:
    for pattern, function, file in ((_JAVA, 1, 2), (_SCRIPT, 1, 2), (_GECKO, 1, 2)):
        match = pattern.search(line)
        if match:
            return f"{_file(match[file])}:{_function(match[function])}"
    match = _NATIVE.search(line)
    return normalise(match[1]) if match else ""


def _file(path: str) -> str:
    """Give the file's name: folders differ from device to device, and bundles carry a hash."""
    name = re.split(r"[\\/]", path.split("?", 1)[0])[-1]
    return re.sub(r"(?<=[.-])[0-9a-fA-F]{8,}(?=[.-])", "<hex>", name)


def _function(name: str | None) -> str:
    # Lambdas and proxies are numbered by the compiler, differently in each build.
    return re.sub(r"\d+", "<n>", name or "")
