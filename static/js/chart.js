// The history chart: a line of daily values with a crosshair, flows marked, estimated stretches dashed.
// Contract of the data (JSON): {currency, dates[] (or minutes), values[], change[], percent[], flows[], quality[], estimated[]}, of one
// length; percent is time-weighted, change counts deposits too. And benchmark {symbol, percent[]} where one is compared with; it is drawn in percent only. A price (kind "price") has
// trades[], the units bought (above zero) or sold, instead of flows, and is nobody's secret.

import { calm, colour, HIDDEN, hidesAmounts, onLooks } from "./appearance.js";
import { element, line, listenToPointer, row, stepped } from "./crosshair.js";
import { money, plain, shortMoney, signedMoney, signedPercent, when } from "./format.js";
import { timeTicks } from "./ticks.js";

const RIGHT = 58;
const TOP = 8;
const BOTTOM = 26;

export class HistoryChart {
  constructor(frame) {
    this.frame = frame;
    this.unit = "value";
    this.canvas = frame.querySelector(".chart__canvas");
    this.chart = window.echarts.init(this.canvas, null, { renderer: "canvas" });
    this.crosshair = element("chart__crosshair", frame);
    this.point = element("chart__point", frame);
    this.tip = element("chart__tip", frame);
    this.listen();
  }

  listen() {
    new ResizeObserver(() => this.chart.resize()).observe(this.frame);
    listenToPointer(this.frame, (event) => this.follow(event), () => this.leave());
    this.frame.addEventListener("keydown", (event) => this.step(event));
    onLooks(() => this.draw());
  }

  show(data) {
    this.data = data;
    this.times = data.dates.map((date) => Date.parse(date));
    this.frame.setAttribute("aria-valuemax", String(data.dates.length - 1));
    this.draw();
    this.speak(data.dates.length - 1);
    this.leave();
  }

  setUnit(unit) {
    this.unit = unit;
    this.draw();
    this.leave();
  }

  get series() {
    return this.data[{ change: "change", percent: "percent" }[this.unit] ?? "values"];
  }

  draw() {
    if (!this.data) return;
    this.chart.setOption(this.option(), { notMerge: true });
    if (this.isDrawn) return;
    this.isDrawn = true;
    this.canvas.classList.remove("skeleton");
    performance.mark("chart-drawn");
  }

  option() {
    return {
      // The first line stands at once; later ones may move.
      animation: Boolean(this.isDrawn) && !calm(),
      animationDuration: 400,
      useUTC: true,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 0, right: RIGHT, top: TOP, bottom: BOTTOM },
      xAxis: this.timeAxis(),
      yAxis: [this.valueAxis(), { type: "value", min: 0, max: 1, show: false }],
      series: [this.measured(), this.estimated(), ...this.compared(), this.flows("in"), this.flows("out"), this.trades(1), this.trades(-1)],
    };
  }

  timeAxis() {
    const ticks = timeTicks(this.times[0], this.times.at(-1), Math.max(3, Math.floor(this.frame.clientWidth / 80)));
    return {
      type: "time",
      min: this.times[0],
      max: this.times.at(-1),
      axisLine: { lineStyle: { color: colour("--line") } },
      axisTick: { show: false },
      axisLabel: { color: colour("--ink-3"), fontSize: 12, margin: 10, customValues: ticks.values, formatter: ticks.write },
    };
  }

  valueAxis() {
    const write = this.unit === "value" ? (v) => this.axisMoney(v) : (v) => this.axisPercent(v);
    return {
      type: "value",
      position: "right",
      scale: true,
      splitNumber: 4,
      axisLabel: { color: colour("--ink-3"), fontSize: 12, margin: 12, formatter: write },
      splitLine: { lineStyle: { color: colour("--line"), type: [2, 4] } },
    };
  }

  axisPercent(ratio) {
    const shown = this.series.filter((value) => value !== null);
    return signedPercent(ratio, Math.max(...shown) - Math.min(...shown) < 0.04 ? 1 : 0);
  }

  // A price of a few dollars moves by cents, and is nobody's secret.
  axisMoney(value) {
    const { kind, currency } = this.data;
    if (kind !== "price" && hidesAmounts()) return HIDDEN;
    return kind === "price" && Math.abs(value) < 1000 ? money(value, currency).replace(/\.00$/, "") : shortMoney(value, currency);
  }

  measured() {
    const accent = colour("--accent");
    return {
      type: "line",
      name: "value",
      data: this.pairs((i) => !this.data.estimated[i] || !this.data.estimated[i + 1]),
      showSymbol: false,
      silent: true,
      sampling: "lttb",
      lineStyle: { color: accent, width: 2, join: "round" },
      areaStyle: { color: this.fade(accent), origin: "start" },
      markLine: {
        silent: true,
        symbol: "none",
        animation: false,
        label: { show: false },
        lineStyle: { color: colour("--control"), type: [2, 3], width: 1 },
        data: [{ yAxis: this.series[0] }],
      },
    };
  }

  // Stretches priced from less than real closes: the same line, dashed.
  estimated() {
    return {
      type: "line",
      name: "estimated",
      data: this.pairs((i) => this.data.estimated[i] || this.data.estimated[i - 1]),
      showSymbol: false,
      silent: true,
      lineStyle: { color: colour("--accent"), width: 2, type: [4, 4] },
    };
  }

  get benchmark() {
    return this.unit === "percent" ? this.data.benchmark : undefined;
  }

  // Told apart by its strokes too, not by colour alone.
  compared() {
    if (!this.benchmark) return [];
    const data = this.times.map((time, i) => [time, this.benchmark.percent[i]]);
    const lineStyle = { color: colour("--slice-3"), width: 1.5, type: [8, 3, 2, 3] };
    return [{ type: "line", name: this.benchmark.symbol, data, showSymbol: false, silent: true, sampling: "lttb", lineStyle }];
  }

  flows(direction) {
    const sign = direction === "in" ? 1 : -1;
    const marks = this.flowMarks().filter(([, net]) => net * sign > 0).map(([time]) => [time, 0.025]);
    const fill = direction === "in" ? colour("--ink-3") : colour("--page");
    return {
      type: "scatter",
      yAxisIndex: 1,
      data: marks,
      silent: true,
      symbol: "triangle",
      symbolRotate: direction === "in" ? 0 : 180,
      symbolSize: 6,
      itemStyle: { color: fill, borderColor: colour("--ink-3"), borderWidth: 1 },
    };
  }

  // Bought below the line, pointing up; sold above it, pointing down.
  trades(sign) {
    const at = (this.data.trades ?? []).flatMap((units, i) => (units * sign > 0 ? [[this.times[i], this.series[i]]] : []));
    return {
      type: "scatter",
      data: at,
      silent: true,
      symbol: "triangle",
      symbolRotate: sign > 0 ? 0 : 180,
      symbolOffset: [0, sign > 0 ? 9 : -9],
      symbolSize: 8,
      itemStyle: { color: colour(sign > 0 ? "--gain" : "--loss"), borderColor: colour("--surface"), borderWidth: 1 },
    };
  }

  // Flows too close to be told apart are marked once, by their sum.
  flowMarks() {
    const days = Math.ceil((this.times.length * 12) / Math.max(this.frame.clientWidth, 1));
    const sums = new Map();
    this.data.flows.forEach((flow, i) => {
      const at = Math.floor(i / days);
      if (flow && i > 0) sums.set(at, [this.times[i], (sums.get(at)?.[1] ?? 0) + flow]);
    });
    return [...sums.values()];
  }

  pairs(keep) {
    return this.times.map((time, i) => [time, keep(i) ? this.series[i] : null]);
  }

  fade(solid) {
    const clear = solid.replace("rgb(", "rgba(").replace(")", ", 0)");
    const tint = solid.replace("rgb(", "rgba(").replace(")", ", 0.14)");
    return new window.echarts.graphic.LinearGradient(0, 0, 0, 1, [{ offset: 0, color: tint }, { offset: 1, color: clear }]);
  }

  follow(event) {
    const x = event.clientX - this.frame.getBoundingClientRect().left;
    const time = this.chart.convertFromPixel({ xAxisIndex: 0 }, x);
    this.pointAt(this.nearest(time));
  }

  // Minutes may have gaps, so the place is searched for and not computed.
  nearest(time) {
    let [low, high] = [0, this.times.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= time) low = middle;
      else high = middle;
    }
    return time - this.times[low] <= this.times[high] - time ? low : high;
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
    const { dates, values, currency } = this.data;
    this.frame.setAttribute("aria-valuenow", String(index));
    const beside = this.benchmark ? `, ${signedPercent(this.data.percent[index])}, ${this.benchmark.symbol} ${this.benchmarkAt(index)}` : "";
    const units = this.data.trades?.[index];
    const traded = units ? `, ${units > 0 ? "bought" : "sold"} ${plain(Math.abs(units))}` : "";
    this.frame.setAttribute("aria-valuetext", `${when(dates[index])}: ${money(values[index], currency)}${beside}${traded}`);
  }

  pointAt(index) {
    this.index = index;
    const [x] = this.chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [this.times[index], this.series[index]]);
    const y = this.chart.convertToPixel({ yAxisIndex: 0 }, this.series[index]);
    this.crosshair.style.transform = `translateX(${x}px)`;
    this.point.style.transform = `translate(${x}px, ${y}px)`;
    this.tip.replaceChildren(...this.reading(index));
    for (const part of [this.crosshair, this.point, this.tip]) part.hidden = false;
    this.place(x, y);
  }

  place(x, y) {
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const left = x + 14 + width > this.frame.clientWidth ? x - 14 - width : x + 14;
    const top = Math.max(0, Math.min(y - height / 2, this.frame.clientHeight - BOTTOM - height));
    this.tip.style.transform = `translate(${Math.max(0, left)}px, ${top}px)`;
  }

  reading(index) {
    const { dates, values, change, percent, flows, quality, estimated, currency, kind, trades } = this.data;
    const secret = kind === "price" ? "" : " private";
    const rows = [line(when(dates[index]), "chart__tip-date"), line(money(values[index], currency), `chart__tip-value${secret}`)];
    if (this.unit === "change" && change[index] !== null) rows.push(row("Change since start", signedPercent(change[index])));
    rows.push(row("Return since start", signedPercent(percent[index])));
    if (this.benchmark) rows.push(row(this.benchmark.symbol, this.benchmarkAt(index)));
    if (flows[index]) rows.push(row(flows[index] > 0 ? "Paid in" : "Paid out", signedMoney(flows[index], currency), true));
    if (trades?.[index]) rows.push(row(trades[index] > 0 ? "Bought" : "Sold", plain(Math.abs(trades[index])), true));
    if (quality[index] < 0.995) rows.push(row("Priced by closes", `${Math.round(quality[index] * 100)}%`));
    if (estimated[index]) rows.push(line("Mostly an estimate", "chart__tip-note"));
    return rows;
  }

  benchmarkAt(index) {
    const ratio = this.benchmark.percent[index];
    return ratio === null || ratio === undefined ? "\u2013" : signedPercent(ratio);
  }

  leave() {
    this.index = undefined;
    for (const part of [this.crosshair, this.point, this.tip]) part.hidden = true;
  }
}
