"""A login at the local Plaid server with as many accounts, holdings and transactions as a benchmark asks for."""

import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

SECURITIES = 500
DAYS = 720
ACCESS_TOKEN, ITEM_ID = "access-sandbox-bench", "bench-item"


def write_login(path: Path, *, accounts: int, holdings: int, transactions: int, today: date) -> None:
    """The state file of a server that knows one linked custom user, whose rows are the same in every run."""
    item = {
        "item_id": ITEM_ID,
        "access_token": ACCESS_TOKEN,
        "institution_id": "ins_12",
        "username": "user_custom",
        "config": custom_user(accounts=accounts, holdings=holdings, transactions=transactions, today=today),
        "products": ["investments"],
        "webhook": None,
        "created_at": f"{today}T00:00:00Z",
        "linked_on": today.isoformat(),
    }
    path.write_text(json.dumps({"items": [item], "link_tokens": [], "public_tokens": [], "keys": []}))


def custom_user(*, accounts: int, holdings: int, transactions: int, today: date) -> dict[str, Any]:
    """A login to be linked: `holdings` of each account, `transactions` of all."""
    return {"override_accounts": _accounts(accounts, holdings, transactions, today)}


def _accounts(accounts: int, holdings: int, transactions: int, today: date) -> list[dict[str, Any]]:
    chance = random.Random(1)
    return [
        {
            "type": "investment",
            "subtype": "brokerage",
            "meta": {"name": f"Account {number}", "mask": f"{number:04d}"},
            "holdings": [_holding(column, chance) for column in chance.sample(range(SECURITIES), holdings)],
            "investment_transactions": [_trade(chance, today) for _ in range(transactions // accounts)],
        }
        for number in range(accounts)
    ]


def _security(column: int) -> dict[str, Any]:
    return {"security_id": f"bench-{column}", "ticker_symbol": f"B{column:03d}", "name": f"B{column:03d}"}


def _holding(column: int, chance: random.Random) -> dict[str, Any]:
    price, quantity = round(chance.uniform(5, 500), 2), round(chance.uniform(1, 900), 3)
    basis = round(price * quantity * chance.uniform(0.5, 1.2), 2)
    return {
        "institution_price": str(price),
        "quantity": str(quantity),
        "cost_basis": str(basis),
        "security": _security(column),
    }


def _trade(chance: random.Random, today: date) -> dict[str, Any]:
    kind = chance.choice(["buy", "buy", "sell"])
    quantity = round(chance.uniform(1, 50), 3)
    return {
        "date": (today - timedelta(days=chance.randrange(DAYS))).isoformat(),
        "name": f"{kind} shares",
        "type": kind,
        "quantity": str(-quantity if kind == "sell" else quantity),
        "price": str(round(chance.uniform(5, 500), 2)),
        "fees": "0.65",
        "security": _security(chance.randrange(SECURITIES)),
    }
