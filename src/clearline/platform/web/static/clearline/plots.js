// Draws <div data-plot="URL">: one series over time. A null is a gap, and a gap is shown as one.
import { timeFormat } from "./times.js";

const drawn = new WeakMap();

function colours() {
  const style = getComputedStyle(document.documentElement);
  return { line: style.getPropertyValue("--plot-line"), text: style.getPropertyValue("--plot-text"), grid: style.getPropertyValue("--plot-grid") };
}

function options(box, { from, until, unit }) {
  const { line, text, grid } = colours();
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  const clock = timeFormat({ hour: "2-digit", minute: "2-digit", ...(until - from < 900 ? { second: "2-digit" } : {}) });
  const exact = timeFormat({ dateStyle: "medium", timeStyle: "medium" });
  const time = (format) => (seconds) => format.format(new Date(seconds * 1000));
  return {
    width: box.clientWidth, height: 220, cursor: { drag: { x: true, y: false } },
    scales: { x: { range: [from, until] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.15 : 1] } },
    axes: [{ ...axis, space: 90, values: (_, ticks) => ticks.map(time(clock)) }, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => `${tick} ${unit}`) }],
    series: [
      { label: "time", value: (_, seconds) => (seconds == null ? "" : time(exact)(seconds)) },
      { label: box.dataset.label, stroke: line, width: 1.5, spanGaps: false, points: { size: 4 }, value: (_, value, __, at) => (at == null ? "" : value == null ? "none" : `${value} ${unit}`) },
    ],
  };
}

async function draw(box) {
  drawn.get(box)?.destroy();
  drawn.set(box, null);
  const answer = await fetch(box.dataset.plot, { headers: { Accept: "application/json" } });
  if (!answer.ok) { box.textContent = "The measurements could not be read just now."; return; }
  const series = await answer.json();
  if (!series.at.length) { box.textContent = "Nothing measured in this time."; return; }
  box.textContent = "";
  const plot = new uPlot(options(box, series), [series.at, series.value], box);
  drawn.set(box, plot);
  new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 220 })).observe(box);
}

const boxes = () => document.querySelectorAll("[data-plot]");

export function drawPlots() {
  boxes().forEach((box) => { if (!drawn.has(box)) draw(box); });
}
addEventListener("themechange", () => boxes().forEach(draw));
setInterval(() => boxes().forEach(draw), 60_000);
