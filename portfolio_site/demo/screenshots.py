"""Pictures of the demo's pages for the documentation. Needs Chromium and the packages of requirements-dev.txt."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, StorageState

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
DESKTOP, PHONE = (1280, 860), (390, 844)


class NoBrowser(RuntimeError):
    """There is nothing to take pictures with."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One page in one look, seen by one of the demo's people (`by`), after a click where one is named.

    `window` in CSS pixels; a phone's picture has two pixels for each.
    """

    name: str
    path: str
    window: tuple[int, int] = DESKTOP
    scheme: str = "light"
    by: str = "demo"
    click: str = ""

    @property
    def look(self) -> dict[str, Any]:
        """Options of a browser's context."""
        width, height = self.window
        return {
            "viewport": {"width": width, "height": height},
            "color_scheme": self.scheme,
            "device_scale_factor": 2 if self.window == PHONE else 1,
            "reduced_motion": "reduce",
        }


PICTURES = (
    Picture("overview", "/?period=2Y"),
    Picture("overview-desktop-dark", "/?period=2Y", scheme="dark"),
    Picture("overview-phone-dark", "/?period=2Y", PHONE, "dark"),
    Picture("overview-empty-desktop-light", "/", by="newcomer"),
    Picture("overview-empty-phone-dark", "/", PHONE, "dark", by="newcomer"),
    Picture("holdings-desktop-light", "/holdings/"),
    Picture("holdings-phone-light", "/holdings/", PHONE),
    Picture("security-desktop-light", "/holdings/", click="a[data-security] >> nth=2"),
    Picture("security-phone-dark", "/holdings/", PHONE, "dark", click="a[data-security] >> nth=2"),
    Picture("transactions-desktop-light", "/transactions/"),
    Picture("transactions-phone-dark", "/transactions/", PHONE, "dark"),
    Picture("income-desktop-light", "/income/"),
    Picture("income-phone-dark", "/income/", PHONE, "dark"),
    Picture("tax-desktop-light", "/tax/"),
    Picture("tax-phone-light", "/tax/", PHONE),
    Picture("performance-desktop-light", "/performance/?period=2Y"),
    Picture("performance-desktop-dark", "/performance/?period=2Y", scheme="dark"),
    Picture("performance-phone-light", "/performance/?period=2Y", PHONE),
    Picture("connections-desktop-light", "/connections/"),
    Picture("connections-phone-dark", "/connections/", PHONE, "dark"),
    Picture("import-desktop-light", "/import/"),
    Picture("settings-desktop-light", "/settings/"),
    Picture("settings-desktop-dark", "/settings/", scheme="dark"),
    Picture("settings-phone-light", "/settings/", PHONE),
    Picture("second-step-desktop-light", "/accounts/2fa/totp/activate/"),
    Picture("terms-phone-light", "/terms/", PHONE),
    Picture("operations-desktop-light", "/admin/", by="operator"),
    Picture("onboarding-phone-light", "/onboarding/connect/", PHONE),
)


def take(*, web: str, people: Mapping[str, tuple[str, str]], folder: Path, say: Callable[[str], None]) -> None:
    """Write every picture as `folder/<name>.png`, seen by the people who sign in. Raises NoBrowser."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        sessions = {who: _sign_in(browser.new_context(base_url=web), *login) for who, login in people.items()}
        for picture in PICTURES:
            target = folder / f"{picture.name}.png"
            look = {"base_url": web, "storage_state": sessions[picture.by], **picture.look}
            _photograph(browser.new_context(**look), picture, target, password=people[picture.by][1])
            _make_small(target)
            say(f"{target.name}: {target.stat().st_size // 1024} KB")


def program() -> str:
    """Where Chromium is. Raises NoBrowser."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise NoBrowser("No Chromium on this machine: apt-get install chromium")
    return found


def _sign_in(context: "BrowserContext", email: str, password: str) -> "StorageState":
    """The cookies of a signed-in browser."""
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", password)
    page.click("main button.button--primary")
    page.wait_for_selector(".user-menu")
    return context.storage_state()


def _photograph(context: "BrowserContext", picture: Picture, target: Path, *, password: str) -> None:
    page = context.new_page()
    page.goto(picture.path)
    page.wait_for_load_state("networkidle")
    if "/reauthenticate/" in page.url:
        page.fill("[name=password]", password)
        page.click("main button.button--primary")
        page.wait_for_load_state("networkidle")
    if picture.click:
        page.click(picture.click)
        page.wait_for_selector(".chart__canvas:not(.skeleton)", state="attached")
    page.screenshot(path=target)
    context.close()


def _make_small(target: Path) -> None:
    """256 colours are enough for a page of flat ones, and a third of the size."""
    from PIL import Image

    with Image.open(target) as picture:
        small = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(target, optimize=True)
