// Gradio's upload accepts files of an image type, which the browser infers from the extension. Files with an unknown one are passed
// on as images: the server decides by their content.

const asImages = (files) => {
  const held = new DataTransfer();
  for (const file of files) held.items.add(file.type ? file : new File([file], file.name, { type: "image/png" }));
  return held.files;
};

/** Listens for files dropped or chosen in the page's upload, before Gradio does. */
export function hearUploads(signal) {
  const hear = (event, files) => {
    const input = event.target.closest?.("#picture-upload")?.querySelector("input[type=file]");
    if (!input || !files?.length || [...files].every((file) => file.type)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true })); // ends the drop, which Gradio does not see
    input.files = asImages(files);
    input.dispatchEvent(new Event("change"));
  };
  document.addEventListener("drop", (event) => hear(event, event.dataTransfer?.files), { capture: true, signal });
  document.addEventListener("change", (event) => hear(event, /** @type {HTMLInputElement} */ (event.target).files), {
    capture: true,
    signal,
  });
}
