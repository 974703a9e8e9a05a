// Before the first paint: light or dark as the reader chose, else as the system says.
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light");
const paint = () => document.documentElement.setAttribute("data-bs-theme", theme());
paint();
dark.addEventListener("change", paint);
addEventListener("beforeprint", () => document.documentElement.setAttribute("data-bs-theme", "light"));
addEventListener("afterprint", paint);
addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-switch]")) return;
  localStorage.setItem("theme", theme() === "dark" ? "light" : "dark");
  paint();
  dispatchEvent(new Event("themechange"));
});
