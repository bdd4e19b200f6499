"""The page's link to itself: the button that copies it, the notice of what a link could not say, and the script behind both.

The element is a ``gr.HTML`` with ``SHARE_HTML`` and ``JS_ON_LOAD``. The page's server answers, below its root:
``modules/<component>/<file>`` with the files of all three components, and ``laboratory/open`` with what
``permalink.decode`` makes of a query string.
"""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent
CSS = (STATIC / "share.css").read_text(encoding="utf-8")
SHARE_HTML = (STATIC / "share.html").read_text(encoding="utf-8")

# Finds the page's root when it runs, since the page may live below a path of its host.
JS_ON_LOAD = """
const attach = async (tries) => {
  const root = ((window.gradio_config && window.gradio_config.root) || "").replace(/\\/+$/, "");
  let module;
  try {
    // A failed import is remembered by its address, so that another try needs another one.
    module = await import(root + "/modules/share/main.js" + (tries ? "?try=" + tries : ""));
  } catch (error) {
    if (tries < 20) return setTimeout(attach, 500, tries + 1);
    throw error;
  }
  module.mount(element, root + "/laboratory/");
};
attach(0);
"""
