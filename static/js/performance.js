// The performance page: its curves, drawn anew after each partial update.

import { Curve } from "./curve.js";

let curves = [];

const draw = () => {
  curves = curves.filter((curve) => curve.section.isConnected || curve.dispose());
  for (const section of document.querySelectorAll("[data-curve]")) {
    if (!curves.some((curve) => curve.section === section)) curves.push(new Curve(section));
  }
};

document.addEventListener("htmx:afterSettle", draw);
draw();
