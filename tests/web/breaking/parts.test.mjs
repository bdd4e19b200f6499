// The parts of a model as switches.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  canBe,
  idOf,
  interventions,
  isOff,
  lossesOf,
  levelOf,
  most,
  named,
  offOf,
  offText,
  partsOf,
  switched,
} from "../../../visualize/web/breaking/knock/parts.js";

const part = (name, head = null) => ({ stage: 1, block: 0, part: name, head });
const off = (...names) => names.reduce((found, name) => switched(found, typeof name === "string" ? part(name) : name), new Map());

test("a block's switches stand in the order of computation, convolutions only where the stage has them", () => {
  const names = (method) => partsOf({ heads: 2, projection: { method } }, 1, 0).flatMap(([, parts]) => parts.map(idOf));
  assert.deepEqual(
    names("dw_bn").map((id) => id.replace("1.0.", "")),
    ["block.", "query_conv.", "key_conv.", "value_conv.", "head.0", "head.1", "attention.", "attention_residual.", "mlp.", "mlp_residual."],
  );
  assert.equal(names("avg").length, names("dw_bn").length - 1);
  assert.equal(names("linear").length, names("dw_bn").length - 3);
});

test("a block is its two branches, whichever way it was switched off", () => {
  for (const found of [off("block"), off("attention", "mlp"), off("mlp", "block")]) {
    assert.ok(isOff(found, part("block")) && isOff(found, part("mlp")));
    assert.deepEqual(
      interventions(found, "mean").map((each) => each.part),
      ["attention", "mlp"].sort((a, b) => [...found.keys()].indexOf(`1.0.${a}.`) - [...found.keys()].indexOf(`1.0.${b}.`)),
    );
    assert.deepEqual(named(found), [part("block")]);
  }
  assert.equal(off("block", "block").size, 0);
  assert.deepEqual(named(off("block", "mlp")), [part("attention")]);
});

test("what is off goes through a link's text, as far as the model has it", () => {
  const stage = (depth, heads, method = "dw_bn") => ({ depth, heads, projection: { method } });
  const stages = [stage(1, 1), stage(2, 2, "linear")];
  const again = (text) => offText(offOf(text, stages));
  for (const text of ["2.1.head2,1.1.mlp_residual", "1.1.query_conv", "2.2.block,1.1.attention", ""]) assert.equal(again(text), text);
  assert.equal(again("last.last.head1,last.1.mlp,1.last.attention"), "2.2.head1,2.1.mlp,1.1.attention");
  assert.equal(again("2.1.mlp,2.1.attention"), "2.1.block");
  assert.equal(again("last.all.mlp,1.all.head1"), "2.1.mlp,2.2.mlp,1.1.head1");
  const none = [
    "3.1.mlp",
    "3.all.mlp",
    "1.all.head2",
    "2.3.mlp",
    "0.1.mlp",
    "2.0.mlp",
    "2.1.head3",
    "2.1.head0",
    "2.1.mlp1",
    "2.1.key_conv",
    "2.1",
    "x",
  ];
  for (const text of [...none, "2.1.mlp,2.1.mlp", "2.1.block,2.1.mlp"]) assert.equal(offOf(text, stages), null, text);
});

test("the server counts from one, and a head alone has a number", () => {
  assert.deepEqual(interventions(off(part("head", 2), "mlp_residual"), "zero"), [
    { stage: 2, block: 1, part: "head", head: 3, how: "zero" },
    { stage: 2, block: 1, part: "mlp_residual", how: "zero" },
  ]);
  const answer = { losses: [{ stage: 2, block: 1, part: "head", head: 3, logit: 0.5, probability: 0.1 }] };
  assert.deepEqual(lossesOf(answer), [{ part: part("head", 2), logit: 0.5, probability: 0.1 }]);
});

test("only heads and attention can be uniform", () => {
  const can = ["head", "attention", "mlp", "block", "query_conv", "mlp_residual"].filter((name) => canBe(part(name), "uniform"));
  assert.deepEqual(can, ["head", "attention"]);
  assert.ok(canBe(part("mlp"), "examples"));
});

test("the largest loss wins, and a tint is a step of it", () => {
  const losses = [-3, 0.2, 0.9, 0.9].map((logit, head) => ({ part: part(head < 3 ? "head" : "mlp", head), logit }));
  assert.equal(most(losses).part.head, 2);
  assert.equal(most(losses, ({ part: name }) => name === "mlp").part.head, 3);
  assert.equal(most([]), null);
  assert.deepEqual([-0.1, -0.09, 0.09, 0.1, 0.3, 1, 3, 99].map(levelOf), [-1, 0, 0, 1, 2, 3, 4, 4]);
});
