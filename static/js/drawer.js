// A security beside the holdings: opened by its row, at an address of its own, with the back button to close it.

import { HistoryChart } from "./chart.js";

const dialog = document.getElementById("drawer");
const waiting = document.getElementById("drawer-waiting");
const heading = document.title;
let opener;

const addressOf = (security) => {
  const query = new URLSearchParams(location.search);
  if (security) query.set("security", security);
  else query.delete("security");
  return query.size ? `?${query}` : location.pathname;
};

// The chart library comes with the first drawer, not with the table.
let library;
const charts = () => {
  library ??= window.echarts ? Promise.resolve() : new Promise((done, fail) => {
    const script = document.createElement("script");
    Object.assign(script, { src: dialog.dataset.echarts, onload: done, onerror: fail });
    document.head.append(script);
  });
  return library;
};

const draw = async () => {
  const frame = dialog.querySelector("#price-chart");
  const source = dialog.querySelector("#price-series");
  if (!frame) return;
  try {
    await charts();
    if (frame.isConnected) new HistoryChart(frame).show(JSON.parse(source.textContent));
  } catch {
    library = undefined;
    asTable(true);
  }
};

const asTable = (on) => {
  dialog.querySelector("#price-table").hidden = !on;
  dialog.querySelector("#price-chart").hidden = on;
  dialog.querySelector("[data-prices-toggle]").setAttribute("aria-expanded", String(on));
};

const present = () => {
  if (!dialog.matches(":modal")) {
    dialog.removeAttribute("open"); // close() would tell that somebody closed it
    dialog.showModal();
  }
  dialog.scrollTop = 0;
};

const settle = (step) => {
  const title = dialog.querySelector("#drawer-title");
  document.title = `${title.textContent} \u00b7 ${heading}`;
  markSteps();
  const button = step && dialog.querySelector(`[data-step="${step}"]:not(:disabled)`);
  (button || title).focus();
  draw();
};

const sayFailure = (label, url, requestId) => {
  const failure = document.createElement("div");
  failure.className = "failure";
  failure.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.textContent = `${label} could not be read. ${requestId ? `Request ${requestId}` : "No answer from the server"}`;
  const again = document.createElement("button");
  again.className = "button button--secondary button--small push";
  again.textContent = "Try again";
  again.addEventListener("click", () => read(url, label));
  failure.append(words, again);
  for (const part of dialog.querySelectorAll(".drawer__quote, .drawer__section")) part.remove();
  dialog.querySelector(".drawer__inner").append(failure);
  again.focus();
};

let asked = 0;
const read = async (url, label, step) => {
  const turn = ++asked;
  dialog.replaceChildren(waiting.content.cloneNode(true));
  dialog.querySelector("#drawer-title").textContent = label;
  present();
  markSteps();
  let answer;
  try {
    answer = await fetch(url, { headers: { "X-Fragment": "1" } });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const html = await answer.text();
    if (turn !== asked || !dialog.open) return;
    dialog.innerHTML = html;
    settle(step);
  } catch {
    if (turn === asked && dialog.open) sayFailure(label, url, answer?.headers.get("X-Request-ID"));
  }
};

const open = (link) => {
  opener = link;
  const url = link.getAttribute("href");
  history.pushState({ drawer: true }, "", url);
  read(url, link.textContent.trim());
};

// The holdings in the order of the table, each once: the neighbours of the one that is open.
const securityOf = (link) => new URLSearchParams(link.search).get("security");
const neighbour = (step) => {
  const each = [];
  for (const link of links()) if (!each.some((one) => securityOf(one) === securityOf(link))) each.push(link);
  const at = each.findIndex((link) => securityOf(link) === new URLSearchParams(location.search).get("security"));
  return at < 0 ? undefined : each[at + step];
};

const markSteps = () => {
  for (const button of dialog.querySelectorAll("[data-step]")) button.disabled = !neighbour(Number(button.dataset.step));
};

// One entry of the history for the drawer, however far one pages: back closes it.
const stepTo = (step, byButton) => {
  const link = neighbour(step);
  if (!link) return;
  opener = link;
  const url = link.getAttribute("href");
  history.replaceState(history.state, "", url);
  read(url, link.textContent.trim(), byButton && step);
};

dialog.addEventListener("close", () => {
  asked += 1;
  document.title = heading;
  const isHere = new URLSearchParams(location.search).has("security");
  if (isHere && history.state?.drawer) history.back();
  else if (isHere) history.replaceState({}, "", addressOf(null));
  opener?.focus();
});

addEventListener("popstate", () => {
  const security = new URLSearchParams(location.search).get("security");
  if (!security) dialog.close();
  else read(location.search, [...links()].find((link) => link.search.includes(`security=${security}`))?.textContent.trim() ?? "");
});

const links = () => [...document.querySelectorAll("a[data-security]")].filter((link) => link.offsetParent);

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (event.target === dialog || event.target.closest("#drawer [data-close]")) {
    event.preventDefault();
    dialog.close();
    return;
  }
  const stepButton = event.target.closest("#drawer [data-step]");
  if (stepButton) stepTo(Number(stepButton.dataset.step), true);
  if (event.target.closest("[data-prices-toggle]")) asTable(dialog.querySelector("#price-table").hidden);
  const row = event.target.closest("tr[data-row]");
  if (!row || event.target.closest("a:not([data-security])") || !getSelection().isCollapsed) return;
  event.preventDefault();
  open(row.querySelector("a[data-security]"));
});

// The rows are walked with the arrow keys, as those of the ledger are.
document.addEventListener("keydown", (event) => {
  const isPlain = !(event.ctrlKey || event.metaKey || event.altKey);
  if (dialog.open && isPlain && (event.key === "j" || event.key === "k")) stepTo(event.key === "j" ? 1 : -1);
  if (dialog.open || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, details[open]")) return;
  const all = links();
  const at = all.indexOf(document.activeElement);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, j: at + 1, k: at - 1, ...(at < 0 ? {} : { Home: 0, End: all.length - 1 }) };
  if (!(event.key in moves) || !all.length) return;
  event.preventDefault();
  const target = all[Math.min(all.length - 1, Math.max(0, moves[event.key]))];
  target.focus();
  target.scrollIntoView({ block: "nearest" });
});

// An address that names a security comes with its drawer: it becomes the sheet that scripts make of it.
if (dialog.open) {
  present();
  settle();
}
