() => {
  // Gradio's upload takes what the browser calls an image, and the browser goes by the extension. A file without a known one is
  // handed on as an image: what it is the server says, by its content.
  const box = document.getElementById("picture-upload");
  const asImages = (files) => {
    const held = new DataTransfer();
    for (const file of files) held.items.add(file.type ? file : new File([file], file.name, { type: "image/png" }));
    return held.files;
  };
  const hear = (event, files) => {
    const input = box.querySelector("input[type=file]");
    if (!input || !files?.length || [...files].every((file) => file.type)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true })); // the drop that Gradio does not hear ends there
    input.files = asImages(files);
    input.dispatchEvent(new Event("change"));
  };
  box?.addEventListener("drop", (event) => hear(event, event.dataTransfer?.files), true);
  box?.addEventListener("change", (event) => hear(event, event.target.files), true);
}
