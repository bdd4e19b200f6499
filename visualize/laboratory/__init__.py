"""The architecture laboratory's part in the browser: its template, styles and scripts, for whichever page carries it.

The element is a ``gr.HTML`` with ``LABORATORY_HTML`` and ``JS_ON_LOAD``. Its ``submit`` event asks for a run; the element's
value tells of it, see ``questions.py``. The page's server answers, below its root: ``modules/laboratory/<file>`` with a file
of ``STATIC``, ``modules/explorer/<file>`` with one of the explorer's, and ``laboratory/<question>`` as ``questions.py`` does.
"""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent
CSS = (STATIC / "laboratory.css").read_text(encoding="utf-8")
LABORATORY_HTML = (STATIC / "laboratory.html").read_text(encoding="utf-8")

# Finds the page's root when it runs, since the page may live below a path of its host.
JS_ON_LOAD = """
const attach = async (tries) => {
  const root = ((window.gradio_config && window.gradio_config.root) || "").replace(/\\/+$/, "");
  let module;
  try {
    // A failed import is remembered by its address, so that another try needs another one.
    module = await import(root + "/modules/laboratory/main.js" + (tries ? "?try=" + tries : ""));
  } catch (error) {
    if (tries < 20) return setTimeout(attach, 500, tries + 1);
    throw error;
  }
  module.mount(element, props, watch, root + "/laboratory/", trigger);
};
attach(0);
"""
