// Accounts of the holdings table fold away; what is folded is remembered for the session.

const KEY = "holdings-folded";
const folded = new Set(JSON.parse(sessionStorage.getItem(KEY) ?? "[]"));
const bodies = [...document.querySelectorAll(".holdings__account")];
const all = document.querySelector("[data-collapse-all]");

const reflect = () => {
  for (const body of bodies) {
    const isFolded = folded.has(body.dataset.account);
    body.toggleAttribute("data-collapsed", isFolded);
    body.querySelector("[data-collapse]").setAttribute("aria-expanded", String(!isFolded));
  }
  const every = bodies.every((body) => folded.has(body.dataset.account));
  all.textContent = every ? "Expand all" : "Collapse all";
  sessionStorage.setItem(KEY, JSON.stringify([...folded]));
};

document.addEventListener("click", (event) => {
  const toggle = event.target.closest("[data-collapse]");
  if (toggle) {
    const { account } = toggle.closest(".holdings__account").dataset;
    if (!folded.delete(account)) folded.add(account);
    reflect();
  }
  if (event.target.closest("[data-collapse-all]")) {
    const every = bodies.every((body) => folded.has(body.dataset.account));
    for (const body of bodies) if (every) folded.delete(body.dataset.account); else folded.add(body.dataset.account);
    reflect();
  }
});

reflect();
