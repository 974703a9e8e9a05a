// Draws <div data-plot="URL">: one series over time. A null is a gap, and a gap is shown as one.
const drawn = new WeakSet();

function colours() {
  const style = getComputedStyle(document.documentElement);
  return { line: style.getPropertyValue("--plot-line"), text: style.getPropertyValue("--tblr-secondary"), grid: style.getPropertyValue("--tblr-border-color") };
}

function options(box, unit) {
  const { line, text, grid } = colours();
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  return {
    width: box.clientWidth, height: 220, legend: { live: true }, cursor: { drag: { x: true, y: false } },
    scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.15 : 1] } },
    axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => `${tick} ${unit}`) }],
    series: [{}, { label: box.dataset.label, stroke: line, width: 1.5, spanGaps: false, points: { show: false }, value: (_, v) => (v == null ? "no answer" : `${v} ${unit}`) }],
  };
}

async function draw(box) {
  drawn.add(box);
  const answer = await fetch(box.dataset.plot, { headers: { Accept: "application/json" } });
  if (!answer.ok) { box.textContent = "The measurements could not be read just now."; return; }
  const { at, value, unit } = await answer.json();
  if (!at.length) { box.textContent = "Nothing measured in this time."; return; }
  box.textContent = "";
  const plot = new uPlot(options(box, unit), [at, value], box);
  new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 220 })).observe(box);
}

export function drawPlots() {
  document.querySelectorAll("[data-plot]").forEach((box) => { if (!drawn.has(box)) draw(box); });
}
addEventListener("themechange", () => document.querySelectorAll("[data-plot]").forEach(draw));
