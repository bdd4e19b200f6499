"""Loads the scripts of a page's components: each is a folder of plain modules whose ``main.js`` has ``mount``.

The page's server answers, below its root, ``modules/<component>/<file>`` with the files of every component, of ``shared`` and of
``words``, so that relative imports work as on disk, and beside them the table of choices as a module.
"""

from __future__ import annotations

import html
import re

# Finds the page's root at run time, since the page may be below a path of its host.
_ON_LOAD = """
const attach = async (tries) => {
  const root = ((window.gradio_config && window.gradio_config.root) || "").replace(/\\/+$/, "");
  let module;
  try {
    // A failed import is cached by its address, so that each try needs a new one.
    module = await import(root + "/modules/__COMPONENT__/main.js" + (tries ? "?try=" + tries : ""));
  } catch (error) {
    if (tries < 20) return setTimeout(attach, 500, tries + 1);
    throw error;
  }
  module.mount(element, props, watch, root + "/__ANSWERS__/", trigger);
};
attach(0);
"""
# Changes the page's state, shared/page.js. The page's scripts may not be loaded yet.
_ON_PAGE = """async () => {
  const root = ((window.gradio_config && window.gradio_config.root) || "").replace(/\\/+$/, "");
  const { page } = await import(root + "/modules/shared/page.js");
  __STATEMENTS__
}"""


def template_text(text: str) -> str:
    """Escapes text for a ``gr.HTML`` template, whose ``${…}`` and ``{{…}}`` are evaluated, within backquotes as a script's text."""
    return re.sub(r"[$`{\\]", lambda found: f"&#{ord(found[0])};", html.escape(text))


def on_load(component: str, answers: str) -> str:
    """The ``js_on_load`` of a ``gr.HTML``: mounts the element, with the address below which the server answers it."""
    return _ON_LOAD.replace("__COMPONENT__", component).replace("__ANSWERS__", answers)


def on_page(statements: str) -> str:
    """The ``js`` of a listener that changes the page's state, ``page``."""
    return _ON_PAGE.replace("__STATEMENTS__", statements)
