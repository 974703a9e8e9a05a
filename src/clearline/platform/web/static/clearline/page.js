// What every page does: moments in the reader's zone, running clocks, plots.
import { showTimes } from "./times.js";
import { drawPlots } from "./plots.js";

// A table wider than its frame is reached and scrolled by the keyboard too.
const reachTables = () => document.querySelectorAll(".table-responsive").forEach((frame) => {
  const wide = frame.scrollWidth > frame.clientWidth;
  frame.toggleAttribute("tabindex", wide);
  if (wide) { frame.tabIndex = 0; frame.role = "group"; frame.ariaLabel = "Table, scrolls sideways"; }
  else { frame.role = null; frame.ariaLabel = null; }
});

const enliven = () => { showTimes(); drawPlots(); reachTables(); };
enliven();
addEventListener("resize", reachTables);
document.addEventListener("htmx:afterSettle", enliven);

// A poll that was answered with the sign-in page means that the session ended: show that page whole.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (new URL(event.detail.xhr.responseURL, location.href).pathname.startsWith("/sign-in/")) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
