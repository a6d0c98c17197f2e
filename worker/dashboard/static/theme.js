// Runs before the first paint, so that nobody sees the other theme for a moment: what was chosen here before, else what the system says.
(() => {
  const root = document.documentElement;
  let theme = null;
  let language = null;
  try {
    theme = localStorage.getItem("edgewatch.theme");
    language = localStorage.getItem("edgewatch.language");
  } catch {
    // Storage may be forbidden; then the system decides.
  }
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  root.lang = (language ?? navigator.language ?? "en").startsWith("zh") ? "zh-CN" : "en";
})();
