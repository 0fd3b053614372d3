// Keeps the overview of all accounts for times without a network, until somebody signs out; see offline.js.

const PARTS = [".hero", ".facts", ".accounts", ".movers"];
const DROPPED = "script, canvas, .icon-button, .text-button, .needs-script, .panel__foot";

const copyOf = (selector) => {
  const copy = document.querySelector(selector)?.cloneNode(true);
  for (const part of copy?.querySelectorAll(DROPPED) ?? []) part.remove();
  // Links lead nowhere without a network: their text stays.
  for (const link of copy?.querySelectorAll("a") ?? []) for (const name of [...link.getAttributeNames()]) if (name !== "class") link.removeAttribute(name);
  return copy?.outerHTML ?? "";
};

const keep = () => {
  const looks = { ...document.documentElement.dataset };
  localStorage.setItem("overview", JSON.stringify({ at: Date.now(), parts: PARTS.map(copyOf).join(""), looks }));
};

if (!new URLSearchParams(location.search).has("account")) keep();
navigator.serviceWorker?.register("/worker.js");
