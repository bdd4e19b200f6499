// Many people's answers: read from texts and files, counted, and written as a table.

import assert from "node:assert/strict";
import { test } from "node:test";

import { encode } from "../../../visualize/web/lesson/class/code.js";
import { csv } from "../../../visualize/web/lesson/class/csv.js";
import { fileName, fileOf } from "../../../visualize/web/lesson/class/file.js";
import { added, MOST_ENTRIES, nobody, refusal } from "../../../visualize/web/lesson/class/read.js";
import { tally } from "../../../visualize/web/lesson/class/tally.js";

const heads = { name: "heads", digest: "3fa9c01b" };
const far = { name: "far", digest: "0000000a" };
const person = (name, answers, lesson = heads) => ({ lesson, name, answers });
const cells = (...value) => ({ value, right: true, shape: [2, 3] });
const PEOPLE = [
  person("Ada", { "1.ask": { value: "2", right: true }, "2.ask": { value: 40, right: true }, "2.after": { value: "yes", right: true } }),
  person("Ben", { "1.ask": { value: "10", right: false }, "2.ask": { value: 12.5, right: false } }),
  person("Cem", { "1.ask": { value: "2", right: true }, "2.ask": { value: null, right: false } }),
  person("Ada", { "1.ask": { value: "else", right: false }, "3.ask": cells(0, 5) }),
  person("", { "3.ask": cells(5) }),
  person("Dan", { "3.ask": { ...cells(1), shape: [4, 4] } }),
  person("Eve", { "1.ask": { value: "yes", right: false } }, far),
];
const text = PEOPLE.map(encode).join("\n");
const classOf = (...sources) => sources.reduce((found, each) => added(found, each), nobody());
const entries = (found) => [...found.entries.values()];

test("codes and files say the same", () => {
  const files = PEOPLE.map(fileOf);
  const list = `[${files.join(",")}]`;
  const expected = entries(classOf(text));
  assert.equal(expected.length, PEOPLE.length);
  assert.deepEqual(entries(classOf(...files)), expected);
  assert.deepEqual(entries(classOf(list)), expected);
  assert.equal(fileName(person("Zoë <b>/../", {})), "heads-zoe-b.json");
  assert.equal(fileName(person("李", {})), "heads.json");
});

test("what came twice counts once and is named, whether as a code or as a file", () => {
  const found = classOf(text, text.toLowerCase(), fileOf(PEOPLE[1]));
  assert.equal(found.entries.size, PEOPLE.length);
  assert.deepEqual(found.again, new Map(PEOPLE.map((each) => [encode(each), encode(each) === encode(PEOPLE[1]) ? 2 : 1])));
  assert.deepEqual(found.problems, []);
});

test("what is damaged is named with its place, and the rest is read", () => {
  const lines = text.split("\n");
  lines[2] = lines[2].replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  const found = added(nobody(), lines.join("\n"), "mail.txt");
  assert.equal(found.entries.size, PEOPLE.length - 1);
  assert.deepEqual(found.problems, [{ key: "class_damaged", values: { source: "mail.txt", line: 3, code: lines[2] } }]);
  const one = (text, source) => added(nobody(), text, source).problems[0];
  assert.deepEqual(one("hello", "a.txt"), { key: "class_file_unknown", values: { source: "a.txt" } });
  assert.deepEqual(one("hello", ""), { key: "class_nothing", values: { source: "" } });
  assert.deepEqual(one('{"a": 1}', "a.json").key, "class_file_unknown");
  assert.deepEqual(one('{"cvtAnswers": 2}', "a.json"), { key: "class_file_damaged", values: { source: "a.json" } });
  assert.deepEqual(one(`[${fileOf(PEOPLE[0])}, {"cvtAnswers": 1, "lesson": []}]`, "a.json").values, { source: "a.json", place: 2 });
});

test("too much is refused, and nothing of it is kept", () => {
  const code = encode(PEOPLE[0]);
  const before = classOf(text);
  assert.deepEqual(added(before, `${code}\n`.repeat(20_000)), { key: "class_many", values: { count: 20_000, most: MOST_ENTRIES } });
  assert.equal(added(before, `[${Array(MOST_ENTRIES).fill('{"cvtAnswers":1}').join()}]`).key, "class_many");
  assert.equal(before.entries.size, PEOPLE.length);
  assert.deepEqual(refusal([1e7]), { key: "class_large", values: { size: "10", most: "4" } });
  assert.equal(refusal(Array(1001).fill(1)).key, "class_many_files");
  assert.equal(refusal([1000, 1000]), null);
});

test("text that is made to be slow is read in time that grows with its length", () => {
  const hostile = [
    "CVT-".repeat(2e5),
    `CVT-${" ".repeat(8e5)}`,
    "CVT-AAAAAA-".repeat(8e4),
    "-AAAAAA".repeat(1e5),
    "[".repeat(8e5),
    '{"a":'.repeat(2e5),
  ];
  for (const each of hostile) assert.equal(added(nobody(), each).entries.size, 0);
  const long = added(nobody(), `CVT${"-AAAAAA".repeat(1e5)}`); // one look at each letter, or this would not end
  assert.ok(long.key === "class_many" || long.problems.length <= MOST_ENTRIES);
});

test("who answered what, by lesson and question", () => {
  const [first, second] = tally(entries(classOf(text)));
  assert.deepEqual([first.name, first.people, first.repeated, second.name, second.people], ["heads", 6, ["Ada"], "far", 1]);
  assert.deepEqual(
    first.questions.map(({ slot, answered, right, shown }) => [slot, answered, right, shown]),
    [
      ["1.ask", 4, 2, []],
      ["2.ask", 2, 1, ["Cem"]],
      ["2.after", 1, 1, []],
      ["3.ask", 3, 3, []],
    ],
  );
  assert.deepEqual(first.questions[0].bars, [
    { value: "2", names: ["Ada", "Cem"], count: 2, right: 2 },
    { value: "10", names: ["Ben"], count: 1, right: 0 },
    { value: "else", names: ["Ada"], count: 1, right: 0 },
  ]);
  assert.deepEqual(first.questions[1].marks, [
    { value: 12.5, name: "Ben", right: false },
    { value: 40, name: "Ada", right: true },
  ]);
  assert.deepEqual(first.questions[3].grids, [
    { shape: [2, 3], counts: [1, 0, 0, 0, 0, 2], people: 2 },
    { shape: [4, 4], counts: [0, 1, ...Array(14).fill(0)], people: 1 },
  ]);
});

test("another text of a lesson is another lesson", () => {
  const other = person("Ada", { "1.ask": { value: "2", right: true } }, { ...heads, digest: "3fa9c01c" });
  assert.deepEqual(
    tally(entries(classOf(text, encode(other)))).map(({ name, digest, people }) => [name, digest, people]),
    [
      ["heads", "3fa9c01b", 6],
      ["far", "0000000a", 1],
      ["heads", "3fa9c01c", 1],
    ],
  );
});

test("the table has a row for each answer, no formulas, and no names where none are kept", () => {
  const odd = person('=HYPERLINK("x"),', { "1.ask": { value: "a;b", right: true }, "2.ask": { value: -1, right: false } });
  const rows = (found, names) => csv(entries(found), names).replace("\ufeff", "").trimEnd().split("\r\n");
  assert.deepEqual(rows(classOf(encode(odd)), true), [
    "lesson,version,person,step,question,kind,answer,right",
    `heads,3fa9c01b,"'=HYPERLINK(""x""),",1,ask,choice,"a;b",1`,
    `heads,3fa9c01b,"'=HYPERLINK(""x""),",2,ask,number,-1,0`,
  ]);
  const found = classOf(text);
  const unnamed = rows(found, false);
  assert.equal(unnamed.length, rows(found, true).length);
  assert.equal(unnamed.length, 1 + PEOPLE.reduce((sum, { answers }) => sum + Object.keys(answers).length, 0));
  assert.deepEqual(unnamed[7], "heads,3fa9c01b,3,2,ask,none,,0");
  assert.equal(
    rows(found, true).filter((row) => row.includes("3.ask") || row.includes(",cells,"))[0],
    "heads,3fa9c01b,Ada,3,ask,cells,1/1 2/3,1",
  );
  assert.ok(!unnamed.join().includes("Ada"));
});
