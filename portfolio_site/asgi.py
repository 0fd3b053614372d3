"""ASGI entry point: the same as `portfolio_site.wsgi`, which is faster, for servers that speak nothing else."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio_site.settings")
os.environ.setdefault("LONGVIEW_ROLE", "web")
os.environ.setdefault("DATABASE_CONNECTION_SECONDS", "0")  # each request has a thread of its own, and takes it along

from django.core.asgi import get_asgi_application

from portfolio_site.checks import refuse_demo_secrets
from portfolio_site.lib import telemetry
from portfolio_site.lib.startup import warm_up

refuse_demo_secrets()
telemetry.start("web")  # before the middleware is read, which traces add to
application = get_asgi_application()
warm_up()
