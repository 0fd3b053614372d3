"""A server that answers Plaid's paths exactly as a test says, over real HTTP: for what no well-behaved server does."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
HOLDINGS = "/investments/holdings/get"
TRANSACTIONS = "/investments/transactions/get"


@dataclass
class Raw:
    """Bytes as they are sent, whatever they are."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


Answer = Body | Raw
Script = Answer | Callable[[Body], Answer]


class ScriptedPlaid:
    """`answers[path]` is a body, raw bytes, or a function of the request's body. `asked` remembers what came in,
    and `times` when."""

    def __init__(self) -> None:
        self.answers: dict[str, Script] = {}
        self.asked: list[tuple[str, Body]] = []
        self.times: list[tuple[float, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked_of(self, path: str) -> list[Body]:
        return [body for asked, body in self.asked if asked == path]

    def answer(self, path: str, body: Body) -> Raw:
        self.asked.append((path, body))
        self.times.append((time.monotonic(), path))
        script = self.answers[path]
        answer = script(body) if callable(script) else script
        return answer if isinstance(answer, Raw) else Raw(json.dumps(answer).encode())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = script.answer(self.path, body)
                time.sleep(answer.delay)
                self.send_response(answer.status)
                headers = {"Content-Type": "application/json", **answer.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        return Handler


def error(code: str, *, status: int = 400, headers: dict[str, str] | None = None) -> Raw:
    """A failure in Plaid's shape, with a text for developers that must never reach a user."""
    body = {
        "error_type": "ITEM_ERROR",
        "error_code": code,
        "error_message": "developer text with access-sandbox-secret",
        "display_message": None,
        "request_id": "m8MDnv9okwxFNBV",
    }
    return Raw(json.dumps(body).encode(), status, headers or {})


def account(account_id: str = "acc", **given: Any) -> Body:
    balances = {
        "available": None,
        "current": 1000,
        "limit": None,
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
        **given.pop("balances", {}),
    }
    row = {"account_id": account_id, "mask": "4821", "name": "Brokerage", "official_name": None}
    return {**row, "type": "investment", "subtype": "brokerage", "balances": balances, **given}


def security(security_id: str = "aapl", **given: Any) -> Body:
    empty = dict.fromkeys(
        ("isin", "cusip", "sedol", "institution_security_id", "institution_id", "proxy_security_id", "subtype")
    )
    row = {"name": "Apple Inc.", "ticker_symbol": "AAPL", "is_cash_equivalent": False, "type": "equity"}
    prices = {"close_price": 187.5, "close_price_as_of": "2026-11-20", "iso_currency_code": "USD"}
    terms = dict.fromkeys(("unofficial_currency_code", "market_identifier_code", "option_contract", "fixed_income"))
    return {**empty, **row, **prices, **terms, "security_id": security_id, **given}


def holding(security_id: str = "aapl", **given: Any) -> Body:
    row = {"account_id": "acc", "security_id": security_id, "quantity": 10, "cost_basis": 1500}
    prices = {"institution_price": 187.5, "institution_value": 1875, "institution_price_as_of": "2026-11-20"}
    return {**row, **prices, "iso_currency_code": "USD", "unofficial_currency_code": None, **given}


def transaction(transaction_id: str = "t1", **given: Any) -> Body:
    row = {"account_id": "acc", "security_id": "aapl", "date": "2026-11-02", "name": "Bought Apple"}
    numbers = {"quantity": 10, "price": 150, "amount": 1500, "fees": 0}
    kind = {"type": "buy", "subtype": "buy", "iso_currency_code": "USD", "unofficial_currency_code": None}
    return {
        "investment_transaction_id": transaction_id,
        **row,
        **numbers,
        **kind,
        "cancel_transaction_id": None,
        **given,
    }


def holdings_answer(*holdings: Body, accounts: list[Body] | None = None, securities: list[Body] | None = None) -> Body:
    return {
        "accounts": [account()] if accounts is None else accounts,
        "holdings": list(holdings),
        "securities": [security()] if securities is None else securities,
        "item": {"item_id": "item", "institution_id": "ins_1", "consent_expiration_time": None},
        "request_id": "m8MDnv9okwxFNBV",
    }


def transactions_answer(*rows: Body, total: int | None = None, **given: Any) -> Body:
    return {
        **holdings_answer(**given),
        "investment_transactions": list(rows),
        "total_investment_transactions": len(rows) if total is None else total,
    }


def paged(rows: list[Body], **given: Any) -> Callable[[Body], Body]:
    """All of `rows`, a page at a time, as the request's options ask."""

    def page(request: Body) -> Body:
        options = request["options"]
        part = rows[options["offset"] : options["offset"] + options["count"]]
        return transactions_answer(*part, total=len(rows), **given)

    return page
