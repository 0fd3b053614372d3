// Filters: empty fields stay out of the address, so that it can be read and shared.

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-filters]");
  if (!form) return;
  for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
});
// Coming back with the browser's back button finds the fields enabled again.
addEventListener("pageshow", () => {
  for (const field of document.querySelector("[data-filters]")?.elements ?? []) field.disabled = false;
});
