"""ASGI entry point: pages and API, as the web database role."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio_site.settings")
os.environ.setdefault("LONGVIEW_ROLE", "web")

from django.core.asgi import get_asgi_application

from portfolio_site.checks import refuse_demo_secrets
from portfolio_site.lib import telemetry
from portfolio_site.lib.startup import warm_up

refuse_demo_secrets()
telemetry.start("web")  # before the middleware is read, which traces add to
application = get_asgi_application()
warm_up()
