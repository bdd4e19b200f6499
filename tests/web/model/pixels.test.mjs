// The resize, the crop and the normalisation against Pillow's and the processor's (test_model_js.py).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parse } from "../../../visualize/web/explorer/payload.js";
import { cut, normalised } from "../../../visualize/web/model/pixels.js";

const folder = process.env.MODEL_CASES;

test("pictures are cut exactly as by Pillow", () => {
  for (const [number, { processor, box }] of JSON.parse(readFileSync(join(folder, "pictures.json"), "utf8")).entries()) {
    const { arrays } = parse(new Uint8Array(readFileSync(join(folder, `picture${number}.bin`))).buffer);
    const [height, width] = arrays.rgba.shape;
    const found = cut({ data: arrays.rgba, width, height }, processor);
    assert.deepEqual(found.box, box);
    assert.deepEqual([found.pixels.height, found.pixels.width, 3], arrays.cut.shape);
    assert.ok(Buffer.from(arrays.cut).equals(Buffer.from(found.pixels.data)), `picture ${number}`);
    const values = normalised(arrays.cut, processor);
    values.forEach((value, at) => assert.ok(Math.abs(value - arrays.values[at]) < 1e-6));
  }
});
