// What is stored compressed by gzip, since not every web server compresses what it sends.

/** Bytes without their compression; some servers, or browsers for them, have unpacked them already. */
export async function unpacked(/** @type {Blob} */ content) {
  const [first, second] = new Uint8Array(await content.slice(0, 2).arrayBuffer());
  if (first !== 0x1f || second !== 0x8b) return content.arrayBuffer();
  return new Response(content.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
