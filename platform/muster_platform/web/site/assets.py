"""The built styles, scripts and icons: found by the manifest, served for ever, compressed."""

import json
import mimetypes
from functools import cached_property
from pathlib import Path

from flask import Blueprint, Response, abort, request, send_from_directory
from markupsafe import Markup

from muster_platform.errors import ConfigurationError

STATIC_DIR = Path(__file__).resolve().parents[1] / "static"
URL_PREFIX = "/assets"
FOR_EVER = "public, max-age=31536000, immutable"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


class Assets:
    """Knows the hashed names of the built files."""

    def __init__(self, folder: Path = STATIC_DIR) -> None:
        self.folder = folder

    @cached_property
    def manifest(self) -> dict[str, str]:
        """Map plain names to hashed ones.

        Raises:
            ConfigurationError: the assets were never built.
        """
        path = self.folder / "manifest.json"
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{path}: the site's assets are not built; `pip install -e .` builds them"
            ) from error
        return {str(name): str(hashed) for name, hashed in manifest.items()}

    def url(self, name: str) -> str:
        """Give the address of a built file.

        Raises:
            KeyError: no such file in the manifest.
        """
        return f"{URL_PREFIX}/{self.manifest[name]}"

    def icon(self, name: str, tone: str = "") -> Markup:
        """Draw an icon of the sprite; it is decoration, the words stand beside it."""
        return Markup(
            '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>'
        ).format(tone, self.url("icons.svg"), name)

    def send(self, name: str) -> Response:
        """Answer with a file, compressed where the browser takes it."""
        if name not in self.names:
            abort(404)
        for encoding, suffix in ENCODINGS:
            if (
                request.accept_encodings.quality(encoding) > 0
                and (self.folder / f"{name}{suffix}").is_file()
            ):
                response = send_from_directory(self.folder, f"{name}{suffix}")
                response.headers["Content-Encoding"] = encoding
                response.headers["Content-Type"] = content_type(name)
                break
        else:
            response = send_from_directory(self.folder, name)
        response.headers["Cache-Control"] = FOR_EVER
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response

    @cached_property
    def names(self) -> frozenset[str]:
        """Give the names that may be asked for."""
        return frozenset(path.name for path in self.folder.glob("*-*.*"))


def content_type(name: str) -> str:
    """Give the content type of a built file."""
    known = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{known}; charset=utf-8" if known.startswith("text/") else known


def blueprint(assets: Assets) -> Blueprint:
    """Make the blueprint that serves the files and holds the site's templates."""
    site = Blueprint("site_assets", __name__, template_folder="../templates")
    site.add_url_rule(f"{URL_PREFIX}/<name>", "file", assets.send)
    return site
