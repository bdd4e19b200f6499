// An explorer's data in a notebook: the widget holds the result, also in a saved notebook; the rest Python computes, if it runs.

import { phrase } from "../words/phrase.js";

const PATIENCE = 8_000; // ms until Python says that it has begun
const LONGEST = 120_000; // ms until it has the answer
let count = 0; // for ids, which no other view's have

/** The bytes of a widget's binary value, as arrays of any type can be laid over them. */
const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer;

/**
 * What an explorer's host has of the widget's model: a source, and the shown result as a page.
 * @returns {Pick<import("../explorer/mount.js").Host, "source" | "saved">}
 */
export function kernel(model, signal) {
  const view = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
  const waiting = new Map(); // by id: what takes the answer

  const hear = (answer, buffers) => waiting.get(answer.id)?.(answer, buffers);
  model.on("msg:custom", hear);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", hear);
    waiting.forEach((take) => take({ problem: "" }));
  });

  const ask = (what, key, more) =>
    new Promise((resolve, reject) => {
      const id = `${view} ${++count}`;
      let timer = setTimeout(silent, PATIENCE);
      function end() {
        clearTimeout(timer);
        waiting.delete(id);
      }
      function silent() {
        end();
        reject(new Error(phrase("kernel_silent")));
      }
      waiting.set(id, (answer, buffers) => {
        clearTimeout(timer);
        if (answer.begun) return (timer = setTimeout(silent, LONGEST));
        end();
        if ("problem" in answer) reject(new Error(answer.problem || phrase("kernel_other")));
        else resolve(bytesOf(buffers[0]));
      });
      model.send({ id, key, what, ...more });
    });

  return {
    source: {
      async result(key) {
        await null; // some notebooks tell of each new value before the next one is there
        return model.get("_result").key === key ? bytesOf(model.get("_payload")) : null;
      },
      block: (key, stage, block) => ask("block", key, { stage, block }),
      inside: (key, stage, block) => ask("inside", key, { stage, block }),
    },
    saved: async ({ key, state }) => new Blob([await ask("page", key, { state })], { type: "text/html" }),
  };
}
