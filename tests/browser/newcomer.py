"""What a new user does, step by step; each step holds the page it meets to what it should be."""

import json
import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browsing import overflow, settle, violations

PASSWORD = "a long walk through the product"
# The progress page draws itself again: what it showed is written down as it changes, over the end of the page.
WRITE_DOWN = """
addEventListener("DOMContentLoaded", () => {
  const holder = document.getElementById("progress");
  if (!holder) return;
  sessionStorage.setItem("loads", Number(sessionStorage.getItem("loads") ?? 0) + 1);
  const seen = JSON.parse(sessionStorage.getItem("seen") ?? "[]");
  const write = () => {
    const states = [...holder.querySelectorAll("[data-state]")].map((step) => step.dataset.state);
    const counts = [...holder.querySelectorAll(".progress-step__count")].map((count) => count.textContent.trim());
    seen.push([states, counts]);
    sessionStorage.setItem("seen", JSON.stringify(seen));
  };
  write();
  new MutationObserver(write).observe(holder, { childList: true });
});
"""


def sign_up(page: Page, email: str) -> None:
    page.goto("/")
    page.click("text=Create an account")
    page.fill("[name=email]", email)
    page.fill("[name=password1]", PASSWORD)
    page.keyboard.press("Enter")


def accept_and_personalise(page: Page) -> None:
    """Who does not agree to the terms gets no further."""
    expect(page.locator("h1")).to_have_text("Make it yours")
    page.click("text=Continue")
    expect(page).to_have_url(re.compile("/onboarding/$"))
    page.check("[name=terms]")
    page.click("text=Continue")


def choose_in_link(page: Page, *, institution: str, user: str) -> None:
    """Through the window of Link, which is another server's."""
    expect(page.locator("h1")).to_have_text("Connect a brokerage")
    settle(page)
    page.click("text=Connect with Plaid")
    window = page.frame_locator("iframe")
    expect(window.get_by_role("button", name="Continue")).to_be_visible()
    page.frames[-1].wait_for_load_state()  # its script listens by then
    window.locator("label", has_text=institution).click()
    window.locator("label", has_text=user).click()
    window.get_by_role("button", name="Continue").click()


def watch_progress(page: Page) -> None:
    """The page came once and drew itself more than once, from waiting to done, with counts that grew."""
    page.wait_for_url("**/onboarding/progress/**")
    assert faults(page) == []
    page.wait_for_url("**/onboarding/done/", timeout=60_000)
    assert page.evaluate("sessionStorage.getItem('loads')") == "1"
    seen: list[Any] = json.loads(page.evaluate("sessionStorage.getItem('seen')"))
    (first_states, first_counts), (last_states, last_counts) = seen[0], seen[-1]
    assert "done" not in first_states
    assert set(last_states) == {"done"}
    assert first_counts != last_counts
    assert last_counts[0] == "2"
    assert last_counts[-1] == "100%"


def sign_out(page: Page) -> None:
    """What was shown is gone, also for the back button."""
    page.click(".user-menu > summary")
    page.click(".user-menu >> text=Sign out")
    expect(page.locator("h1")).to_have_text("Welcome back")
    page.go_back()
    expect(page.locator(".hero__value")).to_have_count(0)


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong, and the width the page has too much."""
    wider = overflow(page)
    return violations(page) + ([f"{wider} px wider than the window"] if wider else [])
