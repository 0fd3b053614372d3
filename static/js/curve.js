// A curve of one or more lines over days, with a crosshair that the pointer and the arrow keys move.
// Contract of the data (JSON): {unit: "percent"|"money", currency, area, dates[], lines: [{name, colour, values[]}]}.

import { colour, HIDDEN, hidesAmounts, onLooks } from "./appearance.js";
import { element, line, listenToPointer, row, stepped } from "./crosshair.js";
import { day, percent, shortMoney, signedMoney } from "./format.js";
import { timeTicks } from "./ticks.js";

const RIGHT = 58;
const STROKES = ["solid", [8, 3, 2, 3], [2, 3]];

export class Curve {
  constructor(section) {
    this.section = section;
    this.frame = section.querySelector("[data-curve-frame]");
    this.table = section.querySelector(".chart-table");
    this.toggle = section.querySelector("[data-curve-toggle]");
    this.data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    this.times = this.data.dates.map((date) => Date.parse(date));
    this.canvas = this.frame.querySelector(".chart__canvas");
    this.chart = window.echarts.init(this.canvas);
    this.crosshair = element("chart__crosshair", this.frame);
    this.tip = element("chart__tip", this.frame);
    this.frame.setAttribute("aria-valuemax", String(this.times.length - 1));
    this.listen();
    this.draw();
    this.speak(this.times.length - 1);
  }

  listen() {
    this.observer = new ResizeObserver(() => this.chart.resize());
    this.observer.observe(this.frame);
    this.unlisten = listenToPointer(this.frame, (event) => this.follow(event), () => this.leave());
    this.frame.addEventListener("keydown", (event) => this.step(event));
    this.toggle.addEventListener("click", () => this.asTable(this.table.hidden));
    this.unlook = onLooks(() => this.draw());
  }

  asTable(shown) {
    this.table.hidden = !shown;
    this.frame.hidden = shown;
    this.toggle.setAttribute("aria-expanded", String(shown));
    if (!shown) this.chart.resize();
  }

  dispose() {
    this.unlisten();
    this.unlook();
    this.observer.disconnect();
    this.chart.dispose();
  }

  draw() {
    this.chart.setOption(this.option(), { notMerge: true });
    this.canvas.classList.remove("skeleton");
  }

  option() {
    const ticks = timeTicks(this.times[0], this.times.at(-1), Math.max(3, Math.floor(this.frame.clientWidth / 80)));
    const label = { color: colour("--ink-3"), fontSize: 12 };
    return {
      animation: false,
      useUTC: true,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 0, right: RIGHT, top: 8, bottom: 26 },
      xAxis: {
        type: "time",
        min: this.times[0],
        max: this.times.at(-1),
        axisLine: { lineStyle: { color: colour("--line") }, onZero: false },
        axisTick: { show: false },
        axisLabel: { ...label, margin: 10, customValues: ticks.values, formatter: ticks.write },
      },
      yAxis: {
        type: "value",
        position: "right",
        scale: !this.data.area,
        splitNumber: 4,
        axisLabel: { ...label, margin: 12, formatter: (value) => this.short(value) },
        splitLine: { lineStyle: { color: colour("--line"), type: [2, 4] } },
      },
      series: this.data.lines.map((line, place) => this.line(line, place)),
    };
  }

  // Told apart by their strokes too, not by colour alone.
  line({ name, colour: token, values }, place) {
    const solid = colour(`--${token}`);
    return {
      type: "line",
      name,
      data: this.times.map((time, i) => [time, values[i]]),
      showSymbol: false,
      silent: true,
      sampling: "lttb",
      lineStyle: { color: solid, width: place ? 1.5 : 2, type: STROKES[place % STROKES.length], join: "round" },
      areaStyle: this.data.area ? { color: solid, opacity: 0.14, origin: 0 } : undefined,
      markLine: place || this.data.area ? undefined : this.zero(),
    };
  }

  zero() {
    const lineStyle = { color: colour("--control"), type: [2, 3], width: 1 };
    return { silent: true, symbol: "none", animation: false, label: { show: false }, lineStyle, data: this.crossesZero() ? [{ yAxis: 0 }] : [] };
  }

  crossesZero() {
    return Math.min(...this.known) <= 0 && Math.max(...this.known) >= 0;
  }

  get known() {
    return this.data.lines.flatMap(({ values }) => values).filter((value) => value !== null);
  }

  // A narrow range has steps of less than one per cent.
  get isFine() {
    return Math.max(...this.known) - Math.min(...this.known) < 0.04;
  }

  short(value) {
    if (this.data.unit !== "money") return percent(value, this.isFine ? 1 : 0);
    return hidesAmounts() ? HIDDEN : shortMoney(value, this.data.currency);
  }

  write(value) {
    if (value === null || value === undefined) return "\u2013";
    return this.data.unit === "money" ? signedMoney(value, this.data.currency) : percent(value, 2);
  }

  follow(event) {
    const x = event.clientX - this.frame.getBoundingClientRect().left;
    const share = x / Math.max(1, this.frame.clientWidth - RIGHT);
    this.pointAt(Math.round(Math.min(1, Math.max(0, share)) * (this.times.length - 1)));
  }

  step(event) {
    const last = this.times.length - 1;
    const at = this.index ?? last;
    const index = stepped(event.key, at, last);
    if (index === undefined) return;
    event.preventDefault();
    this.pointAt(index);
    this.speak(index);
  }

  speak(index) {
    const told = this.data.lines.map(({ name, values }) => `${name} ${this.write(values[index])}`).join(", ");
    this.frame.setAttribute("aria-valuenow", String(index));
    this.frame.setAttribute("aria-valuetext", `${day(this.data.dates[index])}: ${told}`);
  }

  pointAt(index) {
    this.index = index;
    const x = this.chart.convertToPixel({ xAxisIndex: 0 }, this.times[index]);
    const isPrivate = this.data.unit === "money";
    this.tip.replaceChildren(line(day(this.data.dates[index]), "chart__tip-date"), ...this.data.lines.map(({ name, values }) => row(name, this.write(values[index]), isPrivate)));
    for (const part of [this.crosshair, this.tip]) part.hidden = false;
    this.crosshair.style.transform = `translateX(${x}px)`;
    const left = x + 14 + this.tip.offsetWidth > this.frame.clientWidth ? x - 14 - this.tip.offsetWidth : x + 14;
    this.tip.style.transform = `translate(${Math.max(0, left)}px, 8px)`;
  }

  leave() {
    this.index = undefined;
    for (const part of [this.crosshair, this.tip]) part.hidden = true;
  }
}
