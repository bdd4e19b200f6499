// Reads what visualize/alone/file.py packs into a page: gzip, as text in base 85.

const BASE = 85;
const FIRST = 35; // the code of the digit 0
const LEFT_OUT = 60; // "<", the code that no digit has

/** The bytes of a text of digits, five of which are four bytes. `count`: how many bytes there are. */
export function bytesOf(text, count) {
  const bytes = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0, place = 0; at < text.length; place += 4) {
    let value = 0;
    for (const end = at + 5; at < end; at++) {
      const code = text.charCodeAt(at);
      value = value * BASE + code - FIRST - Number(code > LEFT_OUT);
    }
    view.setUint32(place, value);
  }
  return bytes.subarray(0, count);
}

/** What the page's element with this name holds; null if there is none. */
export async function unpacked(name) {
  /** @type {HTMLScriptElement | null} */
  const element = document.querySelector(`script[data-packed="${CSS.escape(name)}"]`);
  if (!element) return null;
  const packed = new Blob([bytesOf(element.text, Number(element.dataset.bytes))]);
  return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
