// The tabs, as those of the page with a server: a component in a tab is mounted when the tab is first opened.

const ALONG = { ArrowLeft: -1, ArrowRight: 1 };

/** @param {(panel: HTMLElement) => void} fill mounts what is in a panel */
export function tabs(fill) {
  const buttons = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
  const panelOf = (button) => /** @type {HTMLElement} */ (document.getElementById(button.getAttribute("aria-controls")));

  function open(button) {
    const panel = panelOf(button);
    for (const each of buttons) {
      each.setAttribute("aria-selected", String(each === button));
      each.classList.toggle("selected", each === button);
      panelOf(each).hidden = each !== button;
    }
    const template = panel.querySelector("template");
    if (!template) return;
    template.replaceWith(template.content);
    fill(panel);
  }

  buttons.forEach((button, index) => {
    button.addEventListener("click", () => open(button));
    button.addEventListener("keydown", ({ key }) => buttons[index + ALONG[key]]?.focus());
  });
}
