// The overview: its chart, allocation and table switch, before and after each partial update.

import { Allocation } from "./allocation.js";
import { HistoryChart } from "./chart.js";

let chart;
let unit = localStorage.getItem("history-unit") ?? "value";
let asTable = false;
let compared;

// A benchmark is compared by return, without deposits; without one the unit is what was chosen last.
const unitFor = ({ benchmark }) => {
  if (benchmark && benchmark.symbol !== compared) unit = "percent";
  if (!benchmark && compared) unit = localStorage.getItem("history-unit") ?? "value";
  compared = benchmark?.symbol;
  return unit;
};

const drawHistory = () => {
  const source = document.getElementById("history-series");
  const frame = document.getElementById("history-chart");
  if (!source || !frame) return;
  if (chart?.frame !== frame) chart = new HistoryChart(frame);
  const data = JSON.parse(source.textContent);
  chart.unit = unitFor(data);
  chart.show(data);
  reflect();
};

const reflect = () => {
  for (const button of document.querySelectorAll("[data-unit]")) {
    button.setAttribute("aria-pressed", String(button.dataset.unit === unit));
  }
  const table = document.getElementById("history-table");
  document.querySelector("[data-table-toggle]").setAttribute("aria-expanded", String(asTable));
  table.hidden = !asTable;
  document.getElementById("history-chart").hidden = asTable;
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unit]");
  if (button) {
    unit = button.dataset.unit;
    localStorage.setItem("history-unit", unit);
    chart.setUnit(unit);
    reflect();
  }
  if (event.target.closest("[data-table-toggle]")) {
    asTable = !asTable;
    reflect();
    if (!asTable) chart.chart.resize();
  }
});

const drawAllocation = () => {
  const section = document.getElementById("allocation");
  if (section?.querySelector("#allocation-series")) new Allocation(section);
};

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "history" || event.detail.elt.id === "history") drawHistory();
  if (event.detail.target.id === "allocation" || event.detail.elt.id === "allocation") drawAllocation();
});

drawHistory();
drawAllocation();
