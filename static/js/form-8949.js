// The statement: whose it is stands at the head of every page, and goes nowhere else.

document.addEventListener("input", (event) => {
  const { filer } = event.target.dataset;
  for (const shown of document.querySelectorAll(`[data-filer-shown="${filer}"]`)) shown.textContent = event.target.value;
});

document.querySelector(".filer")?.addEventListener("submit", (event) => event.preventDefault());

document.querySelector("[data-print]")?.addEventListener("click", () => print());
