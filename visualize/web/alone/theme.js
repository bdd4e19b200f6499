// Whether the page around an explorer is dark: the notebooks say it in ways of their own, and else the system does.

const ATTRIBUTES = ["class", "theme", "data-theme", "data-jp-theme-light", "data-vscode-theme-kind"];
const SYSTEM = "(prefers-color-scheme: dark)";

/** "dark" or "light" if the page says so, else null. */
export function themeOf({ documentElement, body }) {
  const { jpThemeLight, vscodeThemeKind } = body.dataset; // JupyterLab and Notebook; VS Code
  if (jpThemeLight) return jpThemeLight === "true" ? "light" : "dark";
  if (vscodeThemeKind) return /dark$|high-contrast$/.test(vscodeThemeKind) ? "dark" : "light";
  for (const { classList, dataset, attributes } of [body, documentElement]) {
    const said = attributes.getNamedItem("theme")?.value ?? dataset.theme; // Colab; marimo
    for (const name of ["dark", "light"])
      if (said === name || classList.contains(name) || classList.contains(`vscode-${name}`)) return name;
  }
  return null;
}

/**
 * Calls `tell` with whether it is dark, now and whenever that changes, until `signal` aborts.
 * @param {(dark: boolean) => void} tell
 * @param {AbortSignal} signal
 */
export function followTheme(tell, signal) {
  const system = matchMedia(SYSTEM);
  const look = () => tell((themeOf(document) ?? (system.matches ? "dark" : "light")) === "dark");
  const watcher = new MutationObserver(look);
  for (const each of [document.documentElement, document.body]) watcher.observe(each, { attributeFilter: ATTRIBUTES });
  system.addEventListener("change", look, { signal });
  signal.addEventListener("abort", () => watcher.disconnect());
  look();
}
