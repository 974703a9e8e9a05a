// Turns <time datetime="…Z" data-style="…"> into the reader's zone, or UTC when they asked for it; keeps clocks running.
const FORMATS = {
  day: { dateStyle: "medium" },
  short: { dateStyle: "medium", timeStyle: "short" },
  second: { dateStyle: "medium", timeStyle: "medium" },
};
const inUtc = () => localStorage.getItem("utc") === "yes";

/** A formatter in the zone that the reader chose. */
export const timeFormat = (options) => new Intl.DateTimeFormat(undefined, { ...options, ...(inUtc() ? { timeZone: "UTC" } : {}) });

function ago(moment) {
  const seconds = Math.max(0, Math.floor((Date.now() - moment) / 1000));
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  const [name, size] = units[first];
  const second = units[first + 1];
  const rest = second ? Math.floor((seconds % size) / second[1]) : 0;
  return `${Math.floor(seconds / size)} ${name}` + (rest ? ` ${rest} ${second[0]}` : "");
}

function show(element) {
  const moment = new Date(element.dateTime);
  const style = element.dataset.style;
  if (style === "ago") { element.textContent = ago(moment); return; }
  const text = timeFormat(FORMATS[style] ?? FORMATS.short).format(moment);
  element.textContent = inUtc() && style !== "day" ? `${text} UTC` : text;
}

export function showTimes() {
  document.querySelectorAll("time[data-style]").forEach(show);
  for (const button of document.querySelectorAll("[data-zone-switch]")) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    button.hidden = zone === "UTC";
    button.textContent = inUtc() ? `Times in UTC; show ${zone}` : `Times in ${zone}; show UTC`;
  }
}

setInterval(() => document.querySelectorAll('time[data-style="ago"]').forEach(show), 1000);
addEventListener("click", (event) => {
  if (!event.target.closest("[data-zone-switch]")) return;
  localStorage.setItem("utc", inUtc() ? "no" : "yes");
  showTimes();
});
