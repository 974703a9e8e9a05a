// The public status page: moments in the reader's zone, and every minute what is said now, without moving the reader.
import { showTimes } from "./times.js";

showTimes();

async function renew(main) {
  if (document.hidden || main.contains(document.activeElement)) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const said = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  if (said) { main.replaceChildren(...said.childNodes); showTimes(); }
}
if (document.querySelector("main[data-renewed]")) setInterval(() => renew(document.getElementById("main")), 60_000);
