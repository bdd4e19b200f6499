// Class codes: what goes in comes out, damage is noticed, and whatever is in a text does no harm.

import assert from "node:assert/strict";
import { test } from "node:test";

import { entryOf } from "../../../visualize/web/lesson/class/answers.js";
import { codesIn, decode, encode } from "../../../visualize/web/lesson/class/code.js";

const lesson = { name: "heads", digest: "3fa9c01b" };
const choice = (value, right = true) => ({ value, right, score: Number(right) });
// a lesson of eight steps, each with a prediction, one of them a class
const EIGHT = {
  "1.ask": choice("2"),
  "2.ask": choice("yes", false),
  "3.ask": { value: 37, right: true },
  "4.ask": choice("attention"),
  "5.ask": { value: 48.5, right: false },
  "6.ask": choice("lesser panda, red panda, panda, bear cat, cat bear, Ailurus fulgens"),
  "7.ask": { value: 112, right: true },
  "8.ask": choice("worse"),
};
const CELLS = { value: [143, 5, 100], right: true, shape: [12, 12] };
const codeOf = (changes = {}) => encode({ lesson, name: "Ada", answers: EIGHT, ...changes });

test("a code that somebody kept says what it said", () => {
  const entry = decode("CVT-DCAFWR-XPN54M-N4NYDZ-YMK4D7-YMW06R-SCXCN"); // as in docs/lessons.md
  assert.deepEqual([entry.lesson, entry.name], [lesson, "Ada"]);
  const answers = [...entry.answers].map(([slot, { kind, value, right }]) => [slot, kind, value, right]);
  assert.deepEqual(answers, [
    ["1.ask", "choice", "2", true],
    ["2.ask", "choice", "4", false],
    ["2.after", "choice", "yes", true],
    ["3.ask", "number", 62, true],
    ["3.after", "choice", "yes", true],
    ["4.ask", "choice", "koala", false],
    ["5.ask", "choice", "mlp", true],
  ]);
});

test("what a code carries comes back", () => {
  const cases = [
    {},
    { answers: {} },
    { answers: { ...EIGHT, "2.after": choice("no"), "4.after": { value: null, right: false }, "12.after": CELLS } },
    { lesson: { name: "our-own-lesson-2", digest: "00000001" } },
    {
      answers: { "1.ask": choice("1000"), "2.ask": choice("7"), "3.ask": choice("6"), "4.ask": choice("3.8.head2"), "5.ask": choice("-1") },
    },
    ...["", "Zoë de la Cruz", "李小龍", "О'Brien-Łukasz", "x̌ 9b (2)", "MCDONALD", "ßtraße", "İbrahim", "K", "👩‍🔬"].map((name) => ({ name })),
  ];
  for (const each of cases) {
    const given = { lesson, name: "Ada", answers: EIGHT, ...each };
    assert.deepEqual(decode(encode(given)), entryOf(given));
  }
});

test("numbers keep three digits", () => {
  for (const value of [0, 1, 127, 128, 99.95, 999.5, 1234, 0.0123, 1e-6, -3.25, 48.5, 999_999, 9_990_000]) {
    const read = decode(codeOf({ answers: { "1.ask": { value, right: false } } })).answers.get("1.ask").value;
    assert.equal(read, Number(value.toPrecision(3)));
  }
});

test("a lesson of eight steps fits into 60 letters", () => {
  for (let digest = 0; digest < 2 ** 32; digest += 2 ** 26 + 1) {
    const code = codeOf({ lesson: { name: "heads", digest: digest.toString(16).padStart(8, "0") } });
    assert.ok(code.length <= 60, code);
  }
  assert.match(codeOf(), /^CVT(-[0-9A-HJKMNP-TV-Z]{6})+-[0-9A-HJKMNP-TV-Z]{1,6}$/);
});

test("a code may be typed: in small letters, with spaces, and O for 0, I or L for 1", () => {
  const code = codeOf();
  const typed = code.toLowerCase().replaceAll("0", "o").replace(/1/, "i").replaceAll("1", "l").replaceAll("-", "- ");
  assert.notEqual(typed, code);
  assert.deepEqual(decode(codesIn(`my code: ${typed}.`)[0].text), decode(code));
});

test("every wrong symbol, every two that are swapped, and every one that is missing are noticed", () => {
  const symbols = codeOf().replaceAll("-", "").slice(3);
  for (let at = 0; at < symbols.length; at++) {
    const rest = [symbols.slice(0, at), symbols.slice(at + 1)];
    for (const symbol of "0123456789ABCDEFGHJKMNPQRSTVWXYZ") {
      if (symbol !== symbols[at]) assert.equal(decode(`CVT${rest.join(symbol)}`), null);
    }
    assert.equal(decode(`CVT${rest.join("")}`), null);
    for (let other = at + 1; other < symbols.length; other++) {
      const swapped = Array.from(symbols);
      [swapped[at], swapped[other]] = [swapped[other], swapped[at]];
      if (swapped.join("") !== symbols) assert.equal(decode(`CVT${swapped.join("")}`), null);
    }
  }
});

test("codes are found among any words, broken at a hyphen, with what word processors make of hyphens", () => {
  const [one, two] = [codeOf(), codeOf({ name: "Ben" })];
  const mail = `Hi, about CvT-13, cvt-w24-384-22k and CVT-based-models:\n> ${one.slice(0, 18)}\n>  ${one.slice(18)}\nAda\n\n${two.replaceAll("-", "–")}\tBen\t5\n`;
  const found = codesIn(mail);
  assert.deepEqual(
    found.map(({ text }) => decode(text)?.name),
    ["Ada", "Ben"],
  );
  assert.deepEqual(
    found.map(({ line }) => line),
    [2, 6],
  );
});

test("a code that lost its end leaves the next one whole", () => {
  const code = codeOf();
  for (let length = 18; length < code.length; length++) {
    const found = codesIn(`${code.slice(0, length)}\n${code}`).map(({ text }) => decode(text)?.name ?? null);
    assert.deepEqual(found, [null, "Ada"], code.slice(0, length));
  }
});

test("what is no entry is none: other types, keys of objects, grids without bounds", () => {
  const bad = [
    null,
    [],
    "text",
    { lesson, name: "Ada" },
    { lesson: { name: "../heads", digest: "3fa9c01b" }, answers: {} },
    { lesson: { name: "heads", digest: "xyz" }, answers: {} },
    { lesson, answers: JSON.parse('{"__proto__": {"value": "1", "right": true}}') },
    { lesson, answers: { constructor: choice("1") } },
    { lesson, answers: { "13.ask": choice("1") } },
    { lesson, answers: { "0.ask": choice("1") } },
    { lesson, answers: { "1.ask": { value: "1", right: "yes" } } },
    { lesson, answers: { "1.ask": { value: { toString: 1 }, right: true } } },
    { lesson, answers: { "1.ask": { value: Infinity, right: true } } },
    { lesson, answers: { "1.ask": { ...CELLS, shape: [1e9, 1e9] } } },
    { lesson, answers: { "1.ask": { ...CELLS, shape: undefined } } },
    { lesson, answers: { "1.ask": { ...CELLS, value: [144] } } },
    { lesson, answers: { "1.ask": { ...CELLS, value: Array(1e5).fill(1) } } },
  ];
  for (const each of bad) assert.equal(entryOf(each), null, JSON.stringify(each)?.slice(0, 80));
  assert.equal(encode(bad[4]), null);
  assert.equal(decode(""), null);
  assert.equal(decode("CVT-000000-000000-000000"), null);
});

test("names and values are plain text of few letters, whatever was given", () => {
  const hidden = `<img src=x onerror=alert(1)>\u202e\u0000\n  Ada ${"x".repeat(1000)}`;
  const entry = entryOf({ lesson, name: hidden, answers: { "1.ask": choice(`\u200b${hidden}`) } });
  assert.equal(entry.name, "<img src=x onerror=alert");
  assert.equal(entry.answers.get("1.ask").value, "<img src=x onerror=alert");
  assert.deepEqual(decode(encode({ lesson, name: hidden, answers: {} })).name, entry.name);
});
