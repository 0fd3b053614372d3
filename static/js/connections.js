// Connections: linking, and the question before a connection is cut.

import "./link.js";

const dialog = document.getElementById("disconnect-dialog");

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-disconnect]");
  if (button) {
    dialog.querySelector("form").action = button.dataset.disconnect;
    dialog.querySelector("[data-disconnect-name]").textContent = button.dataset.name;
    dialog.showModal();
  }
  if (event.target.closest("[data-close]")) dialog.close();
});
