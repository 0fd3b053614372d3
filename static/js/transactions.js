// The ledger: filters, a transaction in a dialog, and keys for all of it. Without this, links lead to pages that do the same.

import { announce } from "./appearance.js";

// Empty fields stay out of the address, so that it can be read and shared.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-filters]");
  if (!form) return;
  for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
});
// Coming back with the browser's back button finds the fields enabled again.
addEventListener("pageshow", () => {
  for (const field of document.querySelector("[data-filters]")?.elements ?? []) field.disabled = false;
});

const dialog = document.getElementById("transaction-dialog");
const FRAGMENT = { headers: { "X-Fragment": "1" } };

const show = async (answer) => {
  dialog.innerHTML = await answer.text();
  if (!dialog.open) dialog.showModal();
  const wrong = dialog.querySelector("[aria-invalid='true'], .conflict [tabindex]");
  (wrong ?? dialog.querySelector("select:not(:disabled), input:not([type='hidden'], :disabled)"))?.focus();
};

// Whatever cannot be shown in the dialog is a page of its own.
const open = async (url) => {
  try {
    const answer = await fetch(url, FRAGMENT);
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    await show(answer);
  } catch {
    location.assign(url);
  }
};

const send = async (form) => {
  const buttons = dialog.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), ...FRAGMENT });
    if (answer.status === 204) leave(() => location.assign(answer.headers.get("X-Location")), answer.headers.get("X-Row"));
    else if (answer.ok || answer.status === 409) await show(answer);
    else throw new Error(`The server answered ${answer.status}`);
  } catch (error) {
    for (const button of buttons) button.disabled = false;
    sayFailure(error);
  }
};

const sayFailure = (error) => {
  dialog.querySelector(".failure")?.remove();
  const failure = document.createElement("p");
  failure.className = "failure";
  failure.setAttribute("role", "alert");
  failure.textContent = `This could not be saved; what you wrote is still here. ${error.message}.`;
  dialog.querySelector(".dialog__body").append(failure);
};

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const row = event.target.closest("tr[data-row]");
  const link = event.target.closest("a[data-transaction]") ?? (getSelection().isCollapsed && !event.target.closest("a") ? row?.querySelector("a[data-transaction]") : null);
  if (link) {
    event.preventDefault();
    opened = link;
    open(link.href);
  }
  if (event.target.closest("#transaction-dialog [data-close]")) {
    event.preventDefault();
    dialog.close();
  }
});

// What was changed elsewhere is in the list only once it is read anew.
dialog.addEventListener("close", () => {
  if (dialog.querySelector(".conflict")) location.reload();
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("#transaction-dialog [data-transaction-form]");
  if (!form) return;
  event.preventDefault();
  send(form);
});

// The list comes back with the focus on the row that was saved, or where the one was that is gone, and keys go on there.
const PLACE = "transactions-row";
let opened = null;

const leave = (go, row = null) => {
  const at = links().indexOf(dialog.open ? opened : document.activeElement);
  sessionStorage.setItem(PLACE, JSON.stringify({ row, at }));
  go();
};

const links = () => [...document.querySelectorAll("tr[data-row] a[data-transaction]")];

const move = (by) => {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const target = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
};

const edge = (last) => links().at(last ? -1 : 0)?.focus();

const step = (way) => {
  const button = document.querySelector(`[data-step="${way}"] button:not(:disabled)`);
  if (button) button.click();
  else announce(way === "undo" ? "Nothing to undo" : "Nothing to redo");
};

// What has been removed comes back with undo, so it is not asked about.
const remove = () => {
  const row = document.activeElement.closest("tr[data-row]");
  if (!row) return;
  const form = document.createElement("form");
  form.method = "post";
  form.action = row.dataset.void;
  const token = document.querySelector("[name='csrfmiddlewaretoken']").value;
  const fields = { csrfmiddlewaretoken: token, version: row.dataset.version, next: location.pathname + location.search };
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  document.body.append(form);
  leave(() => form.submit());
};

const KEYS = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  j: () => move(1),
  k: () => move(-1),
  n: () => document.querySelector("[data-add]")?.click(),
  "/": () => document.getElementById("filter-q")?.focus(),
};
// These belong to the row that has the focus, and to the page everywhere else.
const ROW_KEYS = { Home: () => edge(false), End: () => edge(true), Delete: remove, Backspace: remove };

document.addEventListener("keydown", (event) => {
  if (dialog.open || event.target.closest("input, select, textarea")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    step(event.shiftKey ? "redo" : "undo");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("details[open]")) return;
  const onRow = Boolean(document.activeElement.closest("tr[data-row]"));
  const act = KEYS[event.key] ?? (onRow ? ROW_KEYS[event.key] : undefined);
  if (!act) return;
  event.preventDefault();
  act();
});

const place = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
sessionStorage.removeItem(PLACE);
if (place) {
  const saved = place.row && document.querySelector(`tr[data-row="${place.row}"] a[data-transaction]`);
  (saved ?? links()[Math.min(place.at, links().length - 1)])?.focus();
}
