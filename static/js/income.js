// The bars of income: what the pointer or the arrow keys are on is said in words above them.

const chart = document.querySelector("[data-bars]");
const readout = document.querySelector("[data-readout]");
const bars = chart ? [...chart.querySelectorAll("[data-says]")] : [];
let current = bars.findIndex((bar) => bar.classList.contains("income-bar--now"));

const show = (index) => {
  bars[current]?.removeAttribute("data-current");
  current = Math.min(bars.length - 1, Math.max(0, index));
  bars[current].setAttribute("data-current", "");
  readout.textContent = bars[current].dataset.says;
};

const KEYS = {
  ArrowLeft: () => current - 1,
  ArrowRight: () => current + 1,
  Home: () => 0,
  End: () => bars.length - 1,
};

chart?.addEventListener("keydown", (event) => {
  const to = KEYS[event.key]?.();
  if (to === undefined) return;
  event.preventDefault();
  show(to);
});
chart?.addEventListener("focus", () => show(current));
chart?.addEventListener("pointermove", (event) => {
  const bar = event.target.closest("[data-says]");
  if (bar) show(bars.indexOf(bar));
});
