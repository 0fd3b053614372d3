"""The page that stands in for Plaid Link, and the script that opens it in the product's pages."""

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

from .errors import PlaidError
from .institutions import INSTITUTIONS
from .routes import link
from .server import Server
from .state import LinkToken
from .users import BUILT_IN

STATIC: Final = Path(__file__).parent / "static"
SCRIPT: Final = "/link/v2/stable/link-initialize.js"
FILES: Final = {
    SCRIPT: ("link-initialize.js", "text/javascript; charset=utf-8"),
    "/link/link.js": ("link.js", "text/javascript; charset=utf-8"),
    "/link/link.css": ("link.css", "text/css; charset=utf-8"),
}
# Any page may show Link in a frame: nothing happens there without a Link token.
POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'"
OPTION: Final = Template(
    '<label class="option"><input type="radio" name="$name" value="$value"$checked>'
    '<span class="text"><b>$title</b>$note</span></label>'
)


@dataclass(frozen=True, slots=True)
class Page:
    body: bytes
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


def page(server: Server, path: str, query: dict[str, str]) -> Page:
    """What a browser gets at `path`. Raises PlaidError where there is nothing."""
    if path in FILES:
        name, content_type = FILES[path]
        return Page((STATIC / name).read_bytes(), content_type=content_type, headers={"Cache-Control": "no-cache"})
    if path == "/health":
        return Page(b'{"status":"ok"}', content_type="application/json")
    if path != "/link":
        raise PlaidError("NOT_FOUND")
    return _link(server, query)


def _link(server: Server, query: dict[str, str]) -> Page:
    try:
        token = link.usable(server, query.get("token", ""))
        status, content, heading = 200, _form(server, token), _heading(server, token)
    except PlaidError as error:
        status, content = 400, Template((STATIC / "expired.html").read_text()).substitute(code=error.code)
        heading = "This link has expired"
    html = Template((STATIC / "link.html").read_text()).substitute(
        heading=escape(heading),
        content=content,
        token=escape(query.get("token", "")),
        origin=escape(_origin(query.get("origin", ""))),
    )
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return Page(html.encode(), status, headers=headers)


def _origin(given: str) -> str:
    """The origin of the page around the frame, if it is one."""
    parts = urlsplit(given)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else ""


def _heading(server: Server, token: LinkToken) -> str:
    if token.item_id:
        institution = INSTITUTIONS[server.state.items[token.item_id].institution_id]
        return f"Sign in to {institution.name} again"
    return f"Connect an account to {token.request['client_name']}"


def _form(server: Server, token: LinkToken) -> str:
    if token.item_id:
        return (STATIC / "repair.html").read_text()
    products = set(token.request["products"])
    supporting = [record for record in INSTITUTIONS.values() if products <= set(record.products)]
    institutions = [("institution_id", record.institution_id, record.name, "") for record in supporting]
    users = [("username", user.username, user.title, user.description) for user in BUILT_IN.values()]
    return Template((STATIC / "choose.html").read_text()).substitute(
        institutions=_options(institutions), users=_options(users)
    )


def _options(rows: list[tuple[str, str, str, str]]) -> str:
    return "\n".join(_option(*row, first=number == 0) for number, row in enumerate(rows))


def _option(name: str, value: str, title: str, note: str, *, first: bool) -> str:
    return OPTION.substitute(
        name=name,
        value=escape(value),
        title=escape(title),
        note=f"<small>{escape(note)}</small>" if note else "",
        checked=" checked" if first else "",
    )
