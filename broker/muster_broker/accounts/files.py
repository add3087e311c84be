"""The platform's own accounts in a file of ``name:hash`` lines, as Mosquitto's password_file.

The broker reads it by itself, so the platform's clients can connect while the web process is away.
"""

import os
import tempfile
from pathlib import Path

from muster_broker.accounts.passwords import hash_secret


class AccountsFileError(ValueError):
    """The file cannot be used; the message names the path, the line and what to do."""


def read_accounts(path: Path) -> dict[str, str]:
    """Read the file.

    Returns:
        Hash by user name. Blank lines and lines that begin with ``#`` are left out.

    Raises:
        AccountsFileError: it cannot be read, or a line is not ``name:hash``.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AccountsFileError(
            f"cannot read the accounts file {path}: {error}; "
            "check the path and that this user may read it"
        ) from error
    accounts: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, hashed = line.strip().partition(":")
        if not name or not hashed.startswith("$7$"):
            raise AccountsFileError(
                f"{path}, line {number}: expected name:$7$iterations$salt$hash; "
                "write the account again or remove the line"
            )
        accounts[name] = hashed
    return accounts


def write_accounts(path: Path, accounts: dict[str, str]) -> None:
    """Write the file whole: a reader sees the old one or the new one, never a part.

    Only the owner may read it (mode 0600).

    Args:
        path: its folder is made if it is missing.
        accounts: hash by user name.

    Raises:
        AccountsFileError: a name cannot stand in such a file.
        OSError: the folder cannot be written.
    """
    for name in accounts:
        if not name or any(c in name for c in ":#\r\n") or name != name.strip():
            raise AccountsFileError(f"not a name for an account: {name!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.writelines(f"{name}:{hashed}\n" for name, hashed in sorted(accounts.items()))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def set_secret(path: Path, name: str, secret: str) -> None:
    """Add an account or replace its secret; the others stay as they are.

    Raises:
        AccountsFileError: the present file is damaged or the name does not fit.
        OSError: the folder cannot be written.
    """
    accounts = read_accounts(path) if path.exists() else {}
    accounts[name] = hash_secret(secret)
    write_accounts(path, accounts)
