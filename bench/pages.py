"""The budgets of the pages, measured in a browser on the demo's portfolio: two institutions, six accounts, two years.

For each page: time of the server, bytes of a first and of a later visit as they came over the wire (compressed), when
the chart stood, and how far things moved (layout shift), on a desk and on a phone. `--web` measures a demo that runs
already; otherwise one is started and removed. Needs Chromium and requirements-dev.txt.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

PAGES = (
    "/?period=2Y", "/holdings/", "/transactions/", "/performance/?period=2Y", "/income/", "/tax/", "/connections/",
    "/import/", "/settings/", "/onboarding/connect/",
)  # fmt: skip
WINDOWS = {"desk": (1440, 900), "phone": (390, 844)}
FIRST_KB, LATER_KB, SERVER_MS, CHART_MS, SHIFT = 450, 60, 150, 500, 0.0
READ = """() => new Promise(done => {
    let shift = 0;
    const add = list => { for (const entry of list) shift += entry.value; };
    new PerformanceObserver(list => add(list.getEntries())).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => {
        const { requestStart, responseStart } = performance.getEntriesByType("navigation")[0];
        const [chart] = performance.getEntriesByName("chart-drawn");
        done({ server: responseStart - requestStart, chart: chart?.startTime ?? null, shift });
    }, 300);
})"""


@dataclass(frozen=True, slots=True)
class Visit:
    """Milliseconds from the start of the navigation, kilobytes over the wire."""

    server: float
    chart: float | None
    shift: float
    kilobytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--web", help="address of a running demo")
    parser.add_argument("--scale", choices=("quick", "full"), default="quick", help="quick ends within two minutes")
    parser.add_argument("--json", action="store_true", help="one JSON line per page and window")
    options = parser.parse_args()
    visits = {"quick": 5, "full": 40}[options.scale]
    with _demo(options.web) as web, sync_playwright() as playwright:
        from portfolio_site.demo.screenshots import ARGUMENTS, program

        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        session = _session(browser, web)
        print(
            f"{'page':24}{'window':8}{'server':>8}{'p95':>7}{'first':>9}{'later':>8}{'chart':>8}{'p95':>7}{'shift':>8}"
        )
        missed = [line for path in PAGES for line in _measure(browser, web, session, path, visits, options.json)]
    print("\nEvery budget is held." if not missed else "\nOver budget: " + "; ".join(missed))


@contextmanager
def _demo(web: str | None) -> Iterator[str]:
    if web:
        with nullcontext(web) as given:
            yield given
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio_site.settings")
    from portfolio_site.demo.__main__ import _scratch_stack

    with _scratch_stack() as stack:
        yield stack.addresses.web


def _session(browser: Browser, web: str) -> Any:
    from portfolio_site.demo.__main__ import DEMO

    page = browser.new_context(base_url=web).new_page()
    page.goto("/accounts/login/")
    page.fill("[name=login]", DEMO[0])
    page.fill("[name=password]", DEMO[1])
    page.click("main button.button--primary")
    page.wait_for_selector(".user-menu")
    return page.context.storage_state()


def _measure(browser: Browser, web: str, session: Any, path: str, visits: int, as_json: bool) -> Iterator[str]:
    """Prints a line for each window; yields what is over its budget."""
    for name, (width, height) in WINDOWS.items():
        context = browser.new_context(
            base_url=web, storage_state=session, viewport={"width": width, "height": height}, service_workers="block"
        )
        page = context.new_page()
        first = _visit(page, path)
        later = [_visit(page, path) for _ in range(visits)]
        context.close()
        server = [visit.server for visit in later]
        charts = [visit.chart for visit in later if visit.chart is not None]
        shift = max(visit.shift for visit in (first, *later))
        bytes_later = median(visit.kilobytes for visit in later)
        line = {
            "page": path, "window": name, "server_ms": median(server), "server_p95_ms": _p95(server),
            "first_kb": first.kilobytes, "later_kb": bytes_later, "shift": shift,
            "chart_ms": median(charts) if charts else None, "chart_p95_ms": _p95(charts) if charts else None,
        }  # fmt: skip
        print(json.dumps(line) if as_json else _row(line))
        held = {
            "server p95": _p95(server) < SERVER_MS,
            "first visit": first.kilobytes < FIRST_KB,
            "later visits": bytes_later < LATER_KB,
            "chart": not charts or _p95(charts) < CHART_MS,
            "layout shift": shift <= SHIFT,
        }
        yield from (f"{path} {name}: {budget}" for budget, is_held in held.items() if not is_held)


def _row(line: dict[str, Any]) -> str:
    chart = f"{line['chart_ms']:5.0f} ms{line['chart_p95_ms']:4.0f} ms" if line["chart_ms"] else " " * 15
    return (
        f"{line['page']:24}{line['window']:8}{line['server_ms']:5.0f} ms{line['server_p95_ms']:4.0f} ms"
        f"{line['first_kb']:6.0f} KB{line['later_kb']:5.0f} KB{chart}{line['shift']:8.3f}"
    )


def _visit(page: Page, path: str) -> Visit:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    received: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    read = page.evaluate(READ)
    devtools.detach()
    return Visit(read["server"], read["chart"], read["shift"], sum(received) / 1024)


def _p95(figures: list[float]) -> float:
    return quantiles(figures, n=20)[-1] if len(figures) > 1 else figures[0]


if __name__ == "__main__":
    main()
