// One element that holds an explorer's picture, and in it the chooser of pictures.

import { mount as mountChooser } from "../chooser/host.js";
import { mount as mountExplorer } from "../explorer/host.js";
import { life } from "../shared/life.js";
import { server } from "./server.js";

/** Takes the element that holds both templates, and what Gradio gives to it. Returns its clean-up. */
export function mount(element, props, watch, base, trigger) {
  const ends = [mountChooser(element, props, watch, base, trigger)]; // first, so that its template is as it was
  const shown = {
    get value() {
      return props.value?.problem ? null : props.value; // a refused choice, which leaves what is shown
    },
  };
  ends.push(mountExplorer(element, shown, watch, base));
  const alive = life();
  server(alive, element.closest(".contain") ?? document.body, base);
  ends.push(alive.end);
  return () => ends.forEach((end) => end());
}
