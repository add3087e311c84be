"""The admin site: pages for people over the services, built on Flask-Admin.

`register(app, platform)` adds it to the Flask application. Pages open a unit of work in the
signed-in person's name and call services; whatever a person may not do, the service refuses.
"""

from flask import Flask

from muster_platform.bootstrap import Platform


def register(app: Flask, platform: Platform) -> None:
    """Add the site to the application."""
    # Here, not above: pages import this package's parts, which import the application's.
    from muster_platform.web.site import assets, context, errors, flower, pages, storable

    storable.register(app)
    files = assets.Assets()
    app.register_blueprint(assets.blueprint(files))
    context.register(app, files, platform.settings)
    errors.register(app)
    pages.register(app)
    flower.register(app, platform.settings)
