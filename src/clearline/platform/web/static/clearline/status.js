// The public status page: moments in the reader's zone, nothing else.
import { showTimes } from "./times.js";

showTimes();
