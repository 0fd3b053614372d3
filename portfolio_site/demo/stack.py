"""Every process of the product on this machine, in the order in which they need one another."""

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from portfolio_site.demo.processes import ProcessFailed, Supervisor
from portfolio_site.demo.waiting import wait_until
from portfolio_site.lib.embedded import postgres, redis

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
LINK_SCRIPT = "/link/v2/stable/link-initialize.js"


@dataclass(frozen=True, slots=True)
class Addresses:
    web_port: int
    plaid_port: int

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def plaid(self) -> str:
        return f"http://127.0.0.1:{self.plaid_port}"


class Stack:
    """Engines, schema, local Plaid server, web, worker and beat. `stop` leaves nothing running that it started."""

    def __init__(self, *, var: Path, addresses: Addresses, database_url: str = "", redis_url: str = "") -> None:
        self.var = var
        self.addresses = addresses
        self.given = (database_url, redis_url)
        self.supervisor = Supervisor(directory=CHECKOUT, log_directory=var / "log")
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        """Raises ProcessFailed, or EngineError, when something does not come up."""
        for port in (self.addresses.web_port, self.addresses.plaid_port):
            refuse_taken(port)
        self.environment = self._environment()
        self._start_plaid()
        self._start_web()  # both come up while the schema is made: nobody asks them before
        self.prepare()
        self._start_celery()
        self._wait_for("plaid", f"{self.addresses.plaid}{LINK_SCRIPT}")
        self._wait_for("web", f"{self.addresses.web}/health")

    def prepare(self) -> None:
        """Schema, schedule and the demo's people, written as the owner of the schema."""
        owner = {**self.environment, "LONGVIEW_ROLE": "owner"}
        command = [sys.executable, "manage.py", "prepare", "--demo-people"]
        self.supervisor.run("prepare", *command, environment=owner)

    def stop(self) -> None:
        self.supervisor.stop()
        postgres.stop(self.var)
        redis.stop(self.var)

    def erase(self) -> None:
        """Remove the data of the embedded engines: a check leaves nothing behind."""
        postgres.ENGINE.erase(self.var)
        redis.ENGINE.erase(self.var)
        (self.var / "plaid-sandbox.json").unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        database_url = self.given[0] or postgres.ensure_running(self.var)
        redis_url = self.given[1] or redis.ensure_running(self.var)
        return {
            "DJANGO_SETTINGS_MODULE": "portfolio_site.settings",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "LONGVIEW_VAR": str(self.var),
            "PLAID_HOST": self.addresses.plaid,
            "PLAID_WEBHOOK_URL": f"{self.addresses.web}/api/webhooks/plaid",
            "PYTHONUNBUFFERED": "1",
        }

    def _start_plaid(self) -> None:
        where = ["--port", str(self.addresses.plaid_port), "--state", str(self.var / "plaid-sandbox.json")]
        self._start_child("plaid", sys.executable, "-m", "plaid_link.sandbox", *where, role="owner")

    def _start_web(self) -> None:
        gunicorn = [sys.executable, "-m", "gunicorn", "--config=python:portfolio_site.serving", "--workers=1"]
        where = f"--bind=127.0.0.1:{self.addresses.web_port}"
        self._start_child("web", *gunicorn, where, "portfolio_site.wsgi", role="web")

    def _start_celery(self) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "portfolio_site"]
        worker = ["worker", "--queues=high,default,low", "--concurrency=2", "--loglevel=INFO"]
        self._start_child("worker", *celery, *worker, role="worker")
        beat = ["beat", "--loglevel=INFO", f"--pidfile={self.var / 'beat.pid'}"]
        (self.var / "beat.pid").unlink(missing_ok=True)
        self._start_child("beat", *celery, *beat, role="worker")

    def _start_child(self, name: str, *command: str, role: str) -> None:
        self.supervisor.start(name, *command, environment={**self.environment, "LONGVIEW_ROLE": role})

    def _wait_for(self, name: str, url: str) -> None:
        child = self.supervisor.children[name]
        wait_until(lambda: child.process.poll() is not None or _answers(url), seconds=START_SECONDS)
        if child.process.poll() is not None or not _answers(url):
            raise ProcessFailed(f"{name} does not answer at {url}:\n{self.supervisor.log_tail(name)}")


def refuse_taken(port: int) -> None:
    """Raises ProcessFailed when something already listens on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise ProcessFailed(
                f"Port {port} is in use. Stop what listens there, or choose others: --port, --plaid-port"
            )


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
