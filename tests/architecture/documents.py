"""The documents that are generated from code, and what generates each.

python tests/architecture/documents.py            write them
python tests/architecture/documents.py --check    say which are stale
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = {
    "docs/api/asyncapi.json": ("-m", "muster_protocol.asyncapi"),
    "docs/api/openapi.json": ("-m", "muster_platform.web.openapi"),
    "client/muster_client/generated/types.py": ("-m", "muster_platform.web.client_code", "types"),
    "client/muster_client/generated/operations.py": (
        "-m",
        "muster_platform.web.client_code",
        "operations",
    ),
}
"""Path of a document: arguments to Python that print it."""


def generate(path: str) -> bytes:
    """Make a document from the code as it is.

    Raises:
        subprocess.CalledProcessError: its generator failed.
    """
    made = _output([sys.executable, *DOCUMENTS[path]])
    if path.endswith(".py"):
        return _output(
            [sys.executable, "-m", "ruff", "format", "--stdin-filename", path, "-"], made
        )
    return made


def _output(command: list[str], given: bytes | None = None) -> bytes:
    return subprocess.run(command, cwd=ROOT, input=given, stdout=subprocess.PIPE, check=True).stdout


def stale() -> list[str]:
    """Give the documents that are missing or differ from what the code says."""
    return [
        path
        for path in DOCUMENTS
        if not (ROOT / path).is_file() or (ROOT / path).read_bytes() != generate(path)
    ]


def main(arguments: list[str]) -> int:
    """Write or check the documents; the exit status is 1 where one is stale."""
    if arguments == ["--check"]:
        found = stale()
        for path in found:
            print(f"{path} is stale: run `make docs` and commit it", file=sys.stderr)
        return 1 if found else 0
    for path in DOCUMENTS:
        (ROOT / path).write_bytes(generate(path))
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
