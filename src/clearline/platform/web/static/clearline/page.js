// What every page does: moments in the reader's zone, running clocks, plots.
import { showTimes } from "./times.js";
import { drawPlots } from "./plots.js";

const enliven = () => { showTimes(); drawPlots(); };
enliven();
document.addEventListener("htmx:afterSettle", enliven);

// A poll that was answered with the sign-in page means that the session ended: show that page whole.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (new URL(event.detail.xhr.responseURL, location.href).pathname.startsWith("/sign-in/")) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
