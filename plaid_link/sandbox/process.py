"""Running the server: a socket of its own, uvicorn, and one line that says where it listens."""

import argparse
import logging
import socket
import sys
from pathlib import Path
from typing import Final

import uvicorn

from .app import Application
from .server import Options

DEFAULT_PORT: Final = 8700
ANNOUNCEMENT: Final = "Local Plaid server on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options. Port 0 takes a free one."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free port")
    parser.add_argument("--state", type=Path, default=None, help="a file that keeps items over a restart")
    parser.add_argument("--client-id", default="sandbox")
    parser.add_argument("--secret", default="sandbox")
    parser.add_argument("--webhook-delay", type=float, default=0.5, help="seconds before a webhook is sent")
    parser.add_argument("--retry-scale", type=float, default=1.0, help="1 is Plaid's retry schedule: 30 s, times four")
    parser.add_argument("--rate-limits", action="store_true", help="Plaid's limits of production, per item and minute")
    parser.add_argument("--control", action="store_true", help="opens /_control/* to tests")


def serve(arguments: argparse.Namespace) -> None:
    """Serves until a signal ends it."""
    options = Options(
        client_id=arguments.client_id,
        secret=arguments.secret,
        state_file=arguments.state,
        webhook_delay=arguments.webhook_delay,
        retry_scale=arguments.retry_scale,
        rate_limits=arguments.rate_limits,
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    listening = _listening(arguments.host, arguments.port)
    config = uvicorn.Config(
        Application(options, control=arguments.control),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    sys.stdout.write(f"{ANNOUNCEMENT} http://{arguments.host}:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    """A bound socket that already queues connections, so that the line printed is true."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(128)
    return listening
