// The model in the browser, asked about pictures of one's own and examples.

import { exampleOf } from "./examples.js";
import { facts } from "./facts.js";
import { picture } from "./files.js";
import { model, running } from "./loading.js";

const keys = new Map(); // of examples that the model has run on, by their names

/**
 * The explorer's value for a picture of one's own. Throws an Error with a message.
 * @param {{ picture: Blob | ImageBitmap, live: boolean }} own `live`: one of many, in which a token keeps its place
 */
export async function explored({ picture, live }) {
  const { key, value } = await (await model()).explore(picture, {});
  return { ...facts.common, ...value, key, ...(live && { live, picture: "live" }) };
}

/** A part of a result that the model has made: its payload, a block, or a block's inside; null if it is no longer there. */
export async function part(name, ...which) {
  return (await running())?.[name](...which) ?? null;
}

/** The answer to an experiment's question about a result, also of an example; undefined for what cannot be asked here. */
export async function answer(name, asked, onStep, signal) {
  const { ANSWERS } = await import("../model/answers.js");
  if (!Object.hasOwn(ANSWERS, name)) return undefined; // before the model is loaded for nothing
  const { answer: answered } = await model(onStep, signal);
  const example = exampleOf(asked.key);
  if (!example) return answered(name, asked, onStep, signal);
  try {
    return await answered(name, { ...asked, key: await keyOf(example, signal) }, onStep, signal);
  } catch (error) {
    if (error.gone !== "key") throw error;
    keys.delete(example); // so many others came since that it was dropped
    return answered(name, { ...asked, key: await keyOf(example, signal) }, onStep, signal);
  }
}

/** The key of an example's result in the model, which runs on it when it is first asked. */
async function keyOf(example, signal) {
  if (!keys.has(example)) {
    const file = await picture(`examples/${example}.jpg`, signal);
    keys.set(example, (await (await model()).explore(file, { example }, undefined, signal)).key);
  }
  return keys.get(example);
}
