// Around every page: theme and privacy without a reload, menus that close, failures that keep the last good figures.

import { announce, setAppearance } from "./appearance.js";

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-appearance]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  setAppearance(event.submitter.name, event.submitter.value);
});

// Whoever signs out, or has been signed out, leaves no figures behind in this browser.
const forget = () => localStorage.removeItem("overview");
if (document.body.hasAttribute("data-nobody")) forget();
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-sign-out]")) forget();
});

const openMenus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A failed partial update leaves what is on the page and says what did not work.
const sayFailure = (panel, requestId, retry) => {
  panel.querySelector(":scope > .failure")?.remove();
  const failure = document.createElement("div");
  failure.className = "failure";
  failure.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.textContent = "This could not be updated; the last figures are still shown. ";
  const id = document.createElement("span");
  id.className = "failure__id";
  id.textContent = requestId ? `Request ${requestId}` : "No answer from the server";
  const button = document.createElement("button");
  button.className = "button button--secondary button--small push";
  button.textContent = "Try again";
  button.addEventListener("click", () => { failure.remove(); retry(); });
  words.append(id);
  failure.append(words, button);
  panel.prepend(failure);
};

const onFailure = (event) => {
  const { target, xhr, elt } = event.detail;
  const panel = target?.closest(".panel") ?? target;
  if (panel) sayFailure(panel, xhr?.getResponseHeader("X-Request-ID"), () => elt.click());
};
document.addEventListener("htmx:responseError", onFailure);
document.addEventListener("htmx:sendError", onFailure);
document.addEventListener("htmx:timeout", onFailure);

document.addEventListener("htmx:afterSwap", (event) => {
  const summary = event.detail.target?.querySelector?.("[id$='-summary']");
  if (summary) announce(summary.textContent);
});

// A panel that changed the address leaves the other panels' links behind: bring them up to what changed.
let known = new URLSearchParams(location.search);
document.addEventListener("htmx:pushedIntoHistory", () => {
  const now = new URLSearchParams(location.search);
  const changed = [...new Set([...known.keys(), ...now.keys()])].filter((name) => known.get(name) !== now.get(name));
  for (const link of document.querySelectorAll("a[href^='?']")) {
    const query = new URLSearchParams(link.getAttribute("href"));
    const isAbout = changed.some((name) => query.get(name) !== known.get(name));
    if (isAbout) continue;
    for (const name of changed) now.has(name) ? query.set(name, now.get(name)) : query.delete(name);
    link.setAttribute("href", `?${query}`);
    if (link.hasAttribute("hx-get")) link.setAttribute("hx-get", `?${query}`);
  }
  known = now;
});

// htmx keeps the address it read first.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  detail.path = detail.elt.getAttribute("hx-get") ?? detail.path;
});
