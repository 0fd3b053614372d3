"""Where and as what this process runs: the first settings, which all others are made of."""

import sys
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()
env.read_env(BASE_DIR / ".env", overwrite=False)

ENVIRONMENT: str = env.str("LONGVIEW_ENV", default="development")
PRODUCTION = ENVIRONMENT == "production"
TESTING = "pytest" in sys.modules
DEBUG: bool = env.bool("DEBUG", default=False)

DEMO_SECRET = "demo-only-secret-that-production-refuses-to-start-with"
SECRET_KEY: str = env.str("SECRET_KEY", default=DEMO_SECRET)
