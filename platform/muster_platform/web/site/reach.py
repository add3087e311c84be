"""Whether links in mails lead anywhere for the people who get them."""

from urllib.parse import urlsplit

from muster_platform.settings import Settings

NOWHERE = frozenset({"", "localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - not bound


def warning(settings: Settings) -> str:
    """Say what is missing for mailed links to work; "" when nothing is."""
    if (urlsplit(settings.public_url).hostname or "") in NOWHERE:
        return (
            f"Links in mails begin with {settings.public_url}, which leads nowhere from another "
            "machine: set public_url to the address by which people reach this site."
        )
    return ""
