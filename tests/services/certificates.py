"""Certificates of an authority of our own (openssl), for tests of TLS."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.services import base

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


@dataclass(frozen=True)
class Certificates:
    """PEM files.

    Attributes:
        ca: of the authority, which clients trust.
        cert, key: of a server at 127.0.0.1.
    """

    ca: Path
    cert: Path
    key: Path


def issue(folder: Path) -> Certificates:
    """Make an authority, and have it sign a server's certificate."""
    folder.mkdir(exist_ok=True)
    made = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    ca_key, request, names = folder / "ca.key", folder / "server.csr", folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    _openssl("req", "-x509", *EC, "-subj", "/CN=test authority", "-keyout", ca_key, "-out", made.ca)
    _openssl("req", "-new", *EC[:-2], "-subj", "/CN=server", "-keyout", made.key, "-out", request)
    _openssl(
        *("x509", "-req", "-in", request, "-CA", made.ca, "-CAkey", ca_key, "-CAcreateserial"),
        *("-days", "2", "-extfile", names, "-out", made.cert),
    )
    return made


def _openssl(*words: str | Path) -> None:
    command = [base.program("openssl"), *map(str, words)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
