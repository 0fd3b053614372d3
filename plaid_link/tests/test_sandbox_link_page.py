"""The local stand-in for Plaid Link: its page, and its script inside a page with a strict content security policy."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

SCRIPT = "/link/v2/stable/link-initialize.js"
CHROMIUM = "/usr/bin/chromium"
PAGE = """<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>
<button id="open">Connect</button><pre id="outcome"></pre>
<script src="{link}"></script><script src="/opener.js"></script></html>"""
OPENER = """
const say = (...parts) => {{ document.getElementById("outcome").textContent = JSON.stringify(parts); }};
const handler = Plaid.create({{
  token: "{token}",
  onSuccess: (publicToken, metadata) => say("success", publicToken, metadata),
  onExit: (error) => say("exit", error),
}});
document.getElementById("open").addEventListener("click", () => handler.open());
"""


def link_token(server, **more):
    body = {"client_name": "Long <view>", "language": "en", "country_codes": ["US"], "user": {"client_user_id": "7"}}
    return server.call("/link/token/create", **body, **(more or {"products": ["investments"]})).json()["link_token"]


def page(server, token, origin="http://shop.test"):
    return httpx.get(f"{server.url}/link", params={"token": token, "origin": origin})


def test_the_page_offers_institutions_and_users_without_inline_code(plaid_server):
    answer = page(plaid_server, link_token(plaid_server))
    assert answer.status_code == 200
    assert "Fidelity" in answer.text
    assert 'value="user_trader"' in answer.text
    assert "Tattersall" not in answer.text  # has no investments
    assert "Long &lt;view&gt;" in answer.text
    assert "<style" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_an_unknown_or_expired_token_says_so(plaid_server):
    answer = page(plaid_server, '"><script>')
    assert answer.status_code == 400
    assert "expired" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("origin", ["javascript:alert(1)", "", "shop.test"])
def test_tells_only_a_web_origin(plaid_server, origin):
    assert 'data-origin=""' in page(plaid_server, link_token(plaid_server), origin).text


def test_update_mode_names_the_institution_and_returns_to_it(plaid_server):
    access, _ = plaid_server.link("user_errors", institution_id="ins_115616")
    token = link_token(plaid_server, access_token=access)
    assert "Sign in to Vanguard again" in page(plaid_server, token).text
    answer = httpx.post(f"{plaid_server.url}/link/complete", json={"link_token": token})
    exchanged = plaid_server.call("/item/public_token/exchange", public_token=answer.json()["public_token"])
    assert exchanged.json()["access_token"] == access


@pytest.fixture
def shop_address(plaid_server):
    """A web server of another origin, with a strict policy, whose page opens Link."""
    served = {
        "/": ("text/html", PAGE.format(link=plaid_server.url + SCRIPT)),
        "/opener.js": ("text/javascript", OPENER.format(token=link_token(plaid_server))),
    }
    policy = f"default-src 'self'; script-src 'self' {plaid_server.url}; frame-src {plaid_server.url}"

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content_type, body = served.get(self.path, ("text/plain", ""))
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


@pytest.fixture
def shop(shop_address):
    """The page in a real browser, and what its console complained of."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.set_default_timeout(15_000)
        complaints = []
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.goto(shop_address)
        yield tab, complaints
        browser.close()


def outcome(tab):
    """What the page was called back with. (The policy forbids the eval that waiting for a function takes.)"""
    return json.loads(tab.locator("#outcome:not(:empty)").text_content())


@pytest.mark.browser
def test_choosing_a_user_hands_back_a_public_token(plaid_server, shop):
    tab, complaints = shop
    tab.click("#open")
    frame = tab.frame_locator("iframe")
    frame.get_by_label("Charles Schwab").check()
    tab.frames[-1].wait_for_load_state()  # its script listens by then
    frame.get_by_label("Crypto holder").check()
    frame.get_by_role("button", name="Continue").click()
    kind, public_token, metadata = outcome(tab)
    assert kind == "success"
    assert metadata["institution"] == {"institution_id": "ins_11", "name": "Charles Schwab"}
    exchanged = plaid_server.call("/item/public_token/exchange", public_token=public_token)
    accounts = plaid_server.call("/accounts/get", access_token=exchanged.json()["access_token"]).json()["accounts"]
    assert [account["account_id"] for account in accounts] == [account["id"] for account in metadata["accounts"]]
    assert tab.locator("iframe").count() == 0
    assert complaints == []


@pytest.mark.browser
@pytest.mark.parametrize("leave", ["cancel", "escape"])
def test_leaving_calls_back_without_an_error(shop, leave):
    tab, _ = shop
    tab.click("#open")
    frame = tab.frame_locator("iframe")
    button = frame.get_by_role("button", name="Cancel")
    button.wait_for()
    tab.frames[-1].wait_for_load_state()  # its script listens by then
    if leave == "cancel":
        button.click()
    else:
        button.press("Escape")
    assert outcome(tab) == ["exit", None]


@pytest.mark.browser
def test_messages_from_elsewhere_are_not_believed(shop):
    tab, _ = shop
    tab.click("#open")
    tab.frame_locator("iframe").get_by_role("button", name="Cancel").wait_for()
    forged = {"from": "plaid-link", "event": "success", "publicToken": "forged", "metadata": {}}
    tab.evaluate("message => new Promise(done => { window.postMessage(message, '*'); setTimeout(done, 50); })", forged)
    assert tab.locator("#outcome").text_content() == ""
    assert tab.locator("iframe").count() == 1
