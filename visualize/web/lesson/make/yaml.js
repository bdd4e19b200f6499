// A lesson as the text of a file, and which field stands on which line of it. Pure.

const KEYS = ["format", "name", "title", "minutes", "steps"];
const STEP_KEYS = ["title", "view", "point", "say", "do", "ask", "show", "after"];
const ASK_KEYS = ["text", "kind", "measure", "options", "right", "count", "tolerance"];

// what YAML reads as something else than text, or cannot read without quotes
const WORD = /^(true|false|yes|no|on|off|y|n|null)$/i;
const PLAIN = /^[\p{L}](?:[^\p{C}:#"\\]|:(?=\S)|#)*$/u;
const PLAIN_IN_BRACES = /^[a-z][\w.=&-]*$/i;

/** Text on one line, without what does not belong into a file. */
const oneLine = (text) =>
  String(text)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();

function scalar(value, plain = PLAIN) {
  if (typeof value === "number") return String(value);
  const text = oneLine(value);
  return plain.test(text) && !WORD.test(text) && !text.includes(" #") && !text.endsWith(":") ? text : JSON.stringify(text);
}

const inBraces = (values) =>
  `{${Object.entries(values)
    .map(([key, value]) => `${key}: ${scalar(value, PLAIN_IN_BRACES)}`)
    .join(", ")}}`;

/** What a reader needs is written even if it is empty, so that the reader says so on a line of its own. */
const NEEDED = ["name", "title", "minutes", "steps", "say", "text"];
const isGiven = (value) => value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && !value.length);

/**
 * A lesson's file. What is empty and not needed is left out.
 * @returns {{ text: string, fields: string[] }} `fields`: for each line the path of what stands there, such as "steps.0.ask.text"
 */
export function yaml(lesson) {
  const lines = /** @type {string[]} */ ([]);
  const fields = /** @type {string[]} */ ([]);
  const put = (indent, line, field) => {
    lines.push(`${" ".repeat(indent)}${line}`);
    fields.push(field);
  };

  function list(values, indent, path) {
    put(indent, `${path.split(".").pop()}:`, path);
    values.forEach((value) => put(indent + 2, `- ${scalar(value)}`, path));
  }

  function entries(value, keys, indent, path, first = "") {
    let lead = first;
    for (const key of keys.filter((each) => isGiven(value[each]) || NEEDED.includes(each))) {
      const [field, content] = [path ? `${path}.${key}` : key, value[key] ?? ""];
      if (key === "steps" && !content.length) put(indent, "steps: []", field);
      else if (key === "steps") {
        put(indent, "steps:", field);
        content.forEach((step, index) => entries(step, STEP_KEYS, indent + 4, `${field}.${index}`, "- "));
      } else if (key === "ask" || key === "after") {
        put(indent, `${key}:`, field);
        entries(content, ASK_KEYS, indent + 2, field);
      } else if (key === "options") list(content, indent, field);
      else if (key === "measure") put(indent, `measure: ${inBraces(content)}`, field);
      else put(indent - lead.length, `${lead}${key}: ${scalar(content)}`, field);
      lead = "";
    }
  }

  entries(lesson, KEYS, 0, "");
  return { text: `${lines.join("\n")}\n`, fields };
}

/** The field that a reader's complaint about a line is about: what stands there, or above it. */
export const fieldAt = (fields, line) => fields[Math.min(Math.max(line, 1), fields.length) - 1] ?? "";
