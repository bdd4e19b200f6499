// "Save as a page": what visualize/alone/file.py does on a server, with the file that it made ready, in the same format.

import { parse } from "../explorer/payload.js";
import { pack } from "../model/container.js";
import { bytes } from "./files.js";

const BASE = 85;
const FIRST = 35; // the code of the digit 0
const LEFT_OUT = 60; // "<", the code that no digit has

/** Bytes, filled up to a multiple of four with zeros, as digits: five for every four bytes. */
export function digits(content) {
  const words = Math.ceil(content.length / 4);
  const filled = new Uint8Array(4 * words);
  filled.set(content);
  const view = new DataView(filled.buffer);
  const found = new Uint8Array(5 * words);
  for (let word = 0; word < words; word++) {
    let value = view.getUint32(4 * word);
    for (let place = 5 * word + 4; place >= 5 * word; place--) {
      const code = FIRST + (value % BASE);
      found[place] = code + Number(code >= LEFT_OUT);
      value = Math.floor(value / BASE);
    }
  }
  return new TextDecoder().decode(found);
}

/** The element that holds some bytes. */
async function packed(name, content) {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream("gzip"));
  const small = new Uint8Array(await new Response(stream).arrayBuffer());
  return `<script type="text/plain" data-packed="${name}" data-bytes="${small.length}">${digits(small)}</script>`;
}

/** A payload with the blocks that came apart from it. */
async function whole(payload, fetchBlock) {
  const { header, arrays } = parse(payload);
  for (const [stage, { depth }] of header.stages.entries()) {
    for (let block = 0; block < depth; block++) {
      const held = Object.keys(arrays).some((name) => name.startsWith(`${stage}.${block}/`));
      if (!held) Object.assign(arrays, parse(await fetchBlock(stage, block)).arrays);
    }
  }
  const shaped = Object.entries(arrays).map(([name, values]) => [name, [values, values.shape]]);
  delete header.arrays; // which it gets anew
  return pack(header, Object.fromEntries(shaped));
}

/**
 * The file of a result.
 * @param {{ value: any, state: any, made: any }} asked as the explorer's host asks for it
 * @param {{ data: () => Promise<ArrayBuffer>, block: (stage: number, block: number) => Promise<ArrayBuffer>,
 *   inside: (stage: number, block: number) => Promise<ArrayBuffer> }} source of the result
 */
export async function saved({ value, state, made }, { data, block, inside }) {
  const chosen = /** @type {const} */ ([state.stage, state.blocks[state.stage]]);
  const [template, payload, microscope] = await Promise.all([bytes("page.gz"), data(), inside(...chosen)]);
  const place = chosen.join("/");
  const elements = [await packed("result", await whole(payload, block)), await packed(`inside/${place}`, microscope)];
  const all = parse(payload).header.stages.reduce((sum, { depth }) => sum + depth, 0);
  const about = JSON.stringify({ value, state, made, insides: [place], held: all, all }).replaceAll("<", "\\u003c");
  const [start, middle, end] = new TextDecoder().decode(template).split(/__(?:ABOUT|PACKED)__/);
  return new Blob([start, about, middle, elements.join("\n"), end], { type: "text/html" });
}
