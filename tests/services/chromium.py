"""Chromium (Debian), driven by Playwright: the site is looked at in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.services.base import program

# Root may not use Chromium's sandbox, and containers have a tiny /dev/shm.
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")


@contextmanager
def running() -> Iterator[Browser]:
    """Start a headless browser."""
    binary = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
