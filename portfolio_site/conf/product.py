"""What the product itself can be told: Plaid, imported files, market data, how long things are kept."""

from decimal import Decimal
from typing import Any

from portfolio_site.conf.environment import PRODUCTION, env

PLAID_HOST: str = env.str("PLAID_HOST", default="http://127.0.0.1:8700")
PLAID_CLIENT_ID: str = env.str("PLAID_CLIENT_ID", default="sandbox")
PLAID_SECRET: str = env.str("PLAID_SECRET", default="sandbox")
PLAID_TIMEOUT_SECONDS: float = env.float("PLAID_TIMEOUT_SECONDS", default=20.0)
# Heeds Plaid's limits per item before Plaid has to.
PLAID_RATE_LIMITED: bool = env.bool("PLAID_RATE_LIMITED", default=True)
PLAID_WEBHOOK_URL: str = env.str("PLAID_WEBHOOK_URL", default="")
# Heeded with DEBUG only: elsewhere every webhook is verified.
PLAID_WEBHOOK_VERIFY: bool = env.bool("PLAID_WEBHOOK_VERIFY", default=True)
PLAID_WEBHOOK_API_KEY: str = env.str("PLAID_WEBHOOK_API_KEY", default="")
# The Link script: Plaid's own, or the one of the local Plaid server when PLAID_HOST points there.
PLAID_LINK_SCRIPT_URL: str = env.str(
    "PLAID_LINK_SCRIPT_URL",
    default=(
        "https://cdn.plaid.com/link/v2/stable/link-initialize.js"
        if PLAID_HOST.endswith("plaid.com")
        else f"{PLAID_HOST}/link/v2/stable/link-initialize.js"
    ),
)
SYNC_WINDOW_DAYS = 730

# Whose portfolio anybody may look at under /demo/, without an account: everything of theirs is public. Empty: nobody's.
SHOWCASE_EMAIL: str = env.str("SHOWCASE_EMAIL", default="" if PRODUCTION else "demo@example.com")

# --- Imported files -----------------------------------------------------------------------------------------------
IMPORT_MAX_BYTES: int = env.int("IMPORT_MAX_BYTES", default=25_000_000)
IMPORT_MAX_ROWS: int = env.int("IMPORT_MAX_ROWS", default=250_000)

# Comma-separated `key-id:base64-of-32-bytes`; the first encrypts, all of them decrypt.
DEMO_ENCRYPTION_KEYS = "demo:ZGVtby1vbmx5LWtleS1wcm9kdWN0aW9uLXJlZnVzZXM="
ENCRYPTION_KEYS: str = env.str("ENCRYPTION_KEYS", default=DEMO_ENCRYPTION_KEYS)
# The same, for the keyed hashes by which e-mail addresses are found; the first is stored, all of them find.
DEMO_LOOKUP_KEYS = "demo:ZGVtby1sb29rdXAta2V5LXByb2R1Y3Rpb24tcmVmdXM="
LOOKUP_KEYS: str = env.str("LOOKUP_KEYS", default=DEMO_LOOKUP_KEYS)

# --- Market data --------------------------------------------------------------------------------------------------
MARKET_DATA_PROVIDERS: list[str] = env.list("MARKET_DATA_PROVIDERS", default=["simulated"])
# How each provider on the network is reached, and how often a minute at most.
MARKET_DATA_ACCESS: dict[str, dict[str, Any]] = {
    name: {
        "url": env.str(f"{name.upper()}_URL", default=url),
        "key": env.str(f"{name.upper()}_KEY", default=""),
        "timeout": env.float(f"{name.upper()}_TIMEOUT_SECONDS", default=10.0),
        "per_minute": env.int(f"{name.upper()}_CALLS_PER_MINUTE", default=per_minute),
        "price_per_call": env.str(f"{name.upper()}_PRICE_PER_CALL", default="0"),
    }
    for name, url, per_minute in (
        ("fmp", "https://financialmodelingprep.com", 250),
        ("yahoo", "https://query1.finance.yahoo.com", 60),
        ("alphavantage", "https://www.alphavantage.co", 5),
    )
}
# US dollars a day; beyond them backfills wait for tomorrow and only the nightly run goes on. Unset: no limit.
PROVIDER_DAILY_BUDGET: Decimal | None = Decimal(env.str("PROVIDER_DAILY_BUDGET", default="0")) or None
# Waits before a question that failed is asked again; each is multiplied by a random factor from 0.5 to 1.5.
PROVIDER_RETRY_SECONDS: list[float] = [float(text) for text in env.list("PROVIDER_RETRY_SECONDS", default=[1, 2, 4])]
HISTORY_DAYS = 730
# Accounts that the nightly snapshot closes in one task and one transaction.
SNAPSHOT_SHARD_ACCOUNTS: int = env.int("SNAPSHOT_SHARD_ACCOUNTS", default=50_000)
# Years after this one for which partitions are kept ready.
PARTITION_YEARS_AHEAD: int = env.int("PARTITION_YEARS_AHEAD", default=2)

# --- Retention: days that finished work is kept, -1 for good; daily history is kept for good anyway ------------------
KEEP_WEBHOOK_DAYS: int = env.int("KEEP_WEBHOOK_DAYS", default=365)
KEEP_JOBS_DAYS: int = env.int("KEEP_JOBS_DAYS", default=90)
KEEP_SNAPSHOT_SHARDS_DAYS: int = env.int("KEEP_SNAPSHOT_SHARDS_DAYS", default=90)
KEEP_MINUTES_DAYS: int = env.int("KEEP_MINUTES_DAYS", default=365)

# Bearer token with which Prometheus reads /metrics; without one only staff may.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
# An empty directory that web processes behind one address share, so that each tells the latencies of all.
METRICS_DIRECTORY: str = env.str("PROMETHEUS_MULTIPROC_DIR", default="")
