// Gradio's upload takes what the browser calls an image, and the browser goes by the extension. A file without a known one is
// handed on as an image: what it is the server says, by its content.

const asImages = (files) => {
  const held = new DataTransfer();
  for (const file of files) held.items.add(file.type ? file : new File([file], file.name, { type: "image/png" }));
  return held.files;
};

/** Hears files that are dropped or chosen in the page's upload, before Gradio does. */
export function hearUploads(signal) {
  const hear = (event, files) => {
    const input = event.target.closest?.("#picture-upload")?.querySelector("input[type=file]");
    if (!input || !files?.length || [...files].every((file) => file.type)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true })); // the drop that Gradio does not hear ends there
    input.files = asImages(files);
    input.dispatchEvent(new Event("change"));
  };
  document.addEventListener("drop", (event) => hear(event, event.dataTransfer?.files), { capture: true, signal });
  document.addEventListener("change", (event) => hear(event, /** @type {HTMLInputElement} */ (event.target).files), {
    capture: true,
    signal,
  });
}
