"""`.env.example` names every setting there is, and none that is not."""

import re
from pathlib import Path

import pytest
from django.conf import settings

CHECKOUT = Path(__file__).resolve().parents[2]


def source_of_settings() -> str:
    site = CHECKOUT / "portfolio_site"
    return "".join(
        part.read_text() for part in (site / "settings.py", site / "serving.py", *sorted((site / "conf").glob("*.py")))
    )


def settings_read() -> set[str]:
    source = source_of_settings()
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source)
    endings = re.findall(r'env\.\w+\(f"\{name\.upper\(\)\}_([A-Z_]+)"', source)
    of_providers = {f"{name.upper()}_{ending}" for name in settings.MARKET_DATA_ACCESS for ending in endings}
    return {*read, *of_providers, *re.findall(r'"(DATABASE_[A-Z]+_URL)"', source)}


def settings_described() -> set[str]:
    return set(re.findall(r"^#([A-Z_]+)=", (CHECKOUT / ".env.example").read_text(), flags=re.MULTILINE))


def test_every_setting_is_described() -> None:
    assert settings_described() == settings_read()


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS"])
def test_the_demo_secrets_are_given_as_what_they_are(name: str) -> None:
    source = source_of_settings()
    given = re.search(rf"^#{name}=(.*)$", (CHECKOUT / ".env.example").read_text(), flags=re.MULTILINE)
    assert given is not None
    assert f'"{given[1]}"' in source
