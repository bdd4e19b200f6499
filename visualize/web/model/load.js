// Makes an engine from the files that visualize/site/model_files.py wrote, and tests it: the model must compute here what it did there.

import { parse } from "../explorer/payload.js";
import { phrase } from "../words/phrase.js";
import { Attention } from "./attention.js";
import { Engine } from "./engine.js";
import { gatesOf } from "./gates.js";
import { unpacked } from "./inside.js";
import { normalised } from "./pixels.js";

const TOLERANCE = 1e-3; // of logits

/**
 * @param {object} given
 * @param {any} given.facts model.json @param {(name: string) => Promise<ArrayBuffer>} given.file the bytes of a file
 * @param {any} given.ort onnxruntime-web @param {import("./engine.js").Codec} given.codec
 */
export async function loaded({ facts, file, ort, codec }) {
  const options = { executionProviders: ["wasm"], graphOptimizationLevel: "basic" };
  const [content, small, packed] = await Promise.all(["model.onnx", "attention.onnx", "constants.bin"].map(file));
  const constants = parse(packed).arrays;
  const linear = weightsIn(content, facts.linear);
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(new Uint8Array(content), options);
  const attention = new Attention(await ort.InferenceSession.create(new Uint8Array(small), options), ort.Tensor);
  const run = (pixels, gates, names) => passed(session, ort.Tensor, facts, pixels, gates, names);
  ort.env.wasm.wasmBinary = undefined; // it is compiled, and takes 14 MB
  await test(run, facts, constants);
  return new Engine({ facts, constants, linear, run, attention, codec });
}

/** The weights of projections by name, copied from the model's file, which need not be kept for them. */
function weightsIn(content, places) {
  const copies = new Map();
  for (const [name, { offset, shape, half }] of Object.entries(places)) {
    const bytes = shape[0] * shape[1] * (half ? 2 : 4);
    copies.set(name, { data: content.slice(offset, offset + bytes), shape, half });
  }
  return (name) => unpacked(copies.get(name));
}

/** Runs the model once: the outputs of these names. */
async function passed(session, Tensor, { input, gates: places }, pixels, gates, names) {
  const each = pixels[0].length;
  const together = new Float32Array(pixels.length * each);
  pixels.forEach((values, sample) => together.set(values, sample * each));
  const given = {
    pixel_values: new Tensor("float32", together, [pixels.length, 3, ...input]),
    gates: new Tensor("float32", gates, [pixels.length, places.length, 4]),
  };
  const found = await session.run(given, names);
  return Object.fromEntries(names.map((name) => [name, found[name].data]));
}

/** Runs the stored pictures. Throws an Error with a sentence if the logits differ from the stored ones. */
async function test(run, facts, constants) {
  for (let number = 0; number < facts.tests; number++) {
    const [pixels, expected] = [constants[`test/${number}/pixels`], constants[`test/${number}/logits`]];
    const { logits } = await run([normalised(pixels, facts.processor)], gatesOf([[]], facts.gates), ["logits"]);
    if (!expected.every((each, at) => Math.abs(logits[at] - each) <= TOLERANCE)) throw new Error(phrase("model_differs"));
  }
}
