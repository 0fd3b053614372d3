// Live progress: asks the jobs how far they are, draws the page's own steps again, and goes on when all is done.

const holder = document.getElementById("progress");
const SLOWEST = 5000;
let wait = 700;

const jobs = async () => {
  const urls = holder.dataset.jobs.split(" ").filter(Boolean);
  const answers = await Promise.all(urls.map((url) => fetch(url, { headers: { Accept: "application/json" } })));
  if (answers.some((answer) => !answer.ok)) throw new Error("no answer");
  return Promise.all(answers.map((answer) => answer.json()));
};

let last = "";
const tick = async () => {
  try {
    const states = await jobs();
    const now = JSON.stringify(states.map(({ state, progress, message }) => [state, progress, message]));
    if (now !== last || !states.length) await redraw();
    wait = now === last ? Math.min(wait * 1.3, SLOWEST) : 700;
    last = now;
  } catch {
    wait = Math.min(wait * 2, SLOWEST);
  }
  if (holder.dataset.done === "true") location.assign(holder.dataset.next);
  else setTimeout(tick, wait);
};

const redraw = async () => {
  const answer = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Target": "progress" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("progress");
  if (!fresh) return;
  Object.assign(holder.dataset, fresh.dataset);
  holder.replaceChildren(...fresh.children);
};

if (holder.dataset.done === "true") location.assign(holder.dataset.next);
else setTimeout(tick, wait);
