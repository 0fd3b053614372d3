// Allocation as a ring or a treemap. The table beside it is the legend, and stays when there is no script.
// Contract of the data (JSON): {currency, slices: [{label, value, weight, color}]}.

import { colour, onLooks } from "./appearance.js";
import { percent } from "./format.js";

export class Allocation {
  constructor(section) {
    this.section = section;
    this.slices = JSON.parse(section.querySelector("#allocation-series").textContent).slices;
    this.ring = section.querySelector("[data-allocation='ring']");
    this.treemap = section.querySelector("[data-allocation='treemap']");
    this.rows = [...section.querySelectorAll("[data-slice]")];
    this.shape = localStorage.getItem("allocation-shape") ?? "ring";
    this.charts = {};
    this.listen();
    this.draw();
  }

  listen() {
    for (const button of this.section.querySelectorAll("[data-shape]")) {
      button.addEventListener("click", () => this.become(button.dataset.shape));
    }
    for (const row of this.rows) {
      row.addEventListener("pointerenter", () => this.light(Number(row.dataset.slice)));
      row.addEventListener("pointerleave", () => this.light(null));
    }
    this.unlook = onLooks(() => this.draw());
  }

  become(shape) {
    this.shape = shape;
    localStorage.setItem("allocation-shape", shape);
    this.draw();
  }

  draw() {
    if (!this.section.isConnected) return this.unlook();
    for (const button of this.section.querySelectorAll("[data-shape]")) {
      button.setAttribute("aria-pressed", String(button.dataset.shape === this.shape));
    }
    this.ring.hidden = this.shape !== "ring";
    this.treemap.hidden = this.shape !== "treemap";
    if (this.shape === "ring") this.drawRing();
    else this.drawTreemap();
  }

  chartIn(name, holder) {
    this.charts[name] ??= window.echarts.init(holder);
    this.charts[name].off("mouseover");
    this.charts[name].off("mouseout");
    this.charts[name].on("mouseover", ({ dataIndex }) => this.light(dataIndex));
    this.charts[name].on("mouseout", () => this.light(null));
    return this.charts[name];
  }

  drawRing() {
    const data = this.slices.map((slice) => ({
      name: slice.label,
      value: Math.max(0, slice.value),
      itemStyle: { color: colour(`--slice-${slice.color}`) },
    }));
    this.chartIn("ring", this.ring.querySelector(".figure-ring__canvas")).setOption({
      animation: false,
      series: [{
        type: "pie",
        radius: ["74%", "96%"],
        padAngle: 1,
        minAngle: 2,
        label: { show: false },
        emphasis: { scale: false },
        itemStyle: { borderColor: colour("--surface"), borderWidth: 1 },
        data,
      }],
    }, { notMerge: true });
  }

  drawTreemap() {
    const data = this.slices.filter((slice) => slice.value > 0).map((slice) => {
      const fill = colour(`--slice-${slice.color}`);
      return { name: `${slice.label}\n${percent(slice.weight)}`, value: slice.value, itemStyle: { color: fill } };
    });
    this.chartIn("treemap", this.treemap).setOption({
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      series: [{
        type: "treemap",
        left: 0, right: 0, top: 0, bottom: 0,
        roam: false,
        nodeClick: false,
        breadcrumb: { show: false },
        itemStyle: { gapWidth: 2, borderColor: colour("--surface"), borderWidth: 0 },
        label: { color: colour("--on-accent"), fontSize: 12, lineHeight: 16, position: [8, 8], overflow: "truncate" },
        data,
      }],
    }, { notMerge: true });
  }

  light(index) {
    const at = index ?? 0;
    for (const row of this.rows) row.toggleAttribute("data-lit", Number(row.dataset.slice) === index);
    this.section.querySelector("[data-centre-label]").textContent = this.slices[at].label;
    this.section.querySelector("[data-centre-value]").textContent = percent(this.slices[at].weight);
    this.charts.ring?.dispatchAction({ type: "downplay" });
    if (index !== null) this.charts.ring?.dispatchAction({ type: "highlight", dataIndex: index });
  }
}
