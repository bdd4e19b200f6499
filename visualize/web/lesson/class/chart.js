// What many people answered to one question, drawn: bars of choices, marks of numbers, a map of cells.

import { make, svg } from "../../shared/dom.js";
import { barWords, choiceWords, gridWords, marksWords, namesWords, rangeWords, valueWords } from "../../words/class.js";
import { phrase } from "../../words/phrase.js";

const COLUMNS = 48; // of a strip: marks in the same one stand on each other
const DOT = 10; // units of a mark
const LEAST_ROWS = 3; // of a strip's height
const MOST_ROWS = 24; // then marks stand closer

/**
 * The charts of a question: of each kind of answers that there are.
 * @param {import("./tally.js").Question} question
 * @param {any} ask the lesson's question; undefined if it is not known
 * @param {boolean} named whether names are shown
 */
export function charts(question, ask, named) {
  const { bars, marks, grids, answered } = question;
  return [
    ...(bars.length ? [barChart(bars, answered, ask, named)] : []),
    ...(marks.length ? [strip(marks, ask), ...lines(named && marksWords(marks, ask))] : []),
    ...grids.map(heatMap),
  ];
}

const lines = (text) => (text ? [make("p", { class: "cvt-sub", text })] : []);

function barChart(bars, all, ask, named) {
  const rows = bars.map((bar) =>
    make(
      "li",
      { "data-right": bar.right > 0, style: `--share:${bar.count / all};--right:${bar.right / all}` },
      make("span", { class: "cvt-answers-value", text: choiceWords(bar.value, ask) }),
      make("i"),
      make("b", { text: barWords(bar, all) }),
      ...lines(named && namesWords(bar.names)),
    ),
  );
  return make("ul", { class: "cvt-answers-bars" }, ...rows);
}

/** Numbers on one axis: each person a mark, filled if it was right. */
function strip(marks, ask) {
  const [least, most] = [marks[0].value, marks[marks.length - 1].value];
  const heights = new Array(COLUMNS).fill(0);
  const placed = marks.map((mark) => {
    const column = most > least ? Math.round(((mark.value - least) / (most - least)) * (COLUMNS - 1)) : Math.floor(COLUMNS / 2);
    return { ...mark, column, row: heights[column]++ };
  });
  const rows = Math.max(LEAST_ROWS, ...heights);
  const step = DOT * Math.min(1, MOST_ROWS / rows);
  const [width, height] = [COLUMNS * DOT, Math.max(rows, LEAST_ROWS) * step + DOT];
  const dots = placed.map(({ column, row, right }) =>
    svg("circle", {
      cx: (column + 0.5) * DOT,
      cy: height - DOT - row * step,
      r: 0.4 * DOT,
      class: right ? "cvt-answers-right" : "cvt-answers-wrong",
    }),
  );
  const axis = svg("line", { x1: 0, x2: width, y1: height - 2, y2: height - 2, class: "cvt-answers-axis" });
  const words = rangeWords(marks, ask);
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words }, axis, ...dots);
  const ends = [least, most].map((value) => make("span", { text: valueWords(value, ask) }));
  return make(
    "figure",
    { class: "cvt-answers-strip" },
    chart,
    make("div", { class: "cvt-answers-ends" }, ...(most > least ? ends : [make("span"), ends[0], make("span")])),
    make("figcaption", { class: "cvt-sub", text: `${words} ${phrase("class_right_marks")}` }),
  );
}

/** The cells of a grid, darker the more people chose them. */
function heatMap(grid) {
  const { shape, counts } = grid;
  const [rows, columns] = shape;
  const most = Math.max(...counts);
  const cells = counts.flatMap((count, index) =>
    count
      ? [
          svg("rect", {
            x: index % columns,
            y: Math.floor(index / columns),
            width: 1,
            height: 1,
            "fill-opacity": count / most,
            class: "cvt-answers-cell",
          }),
        ]
      : [],
  );
  const words = gridWords(grid);
  const frame = svg("rect", { x: 0, y: 0, width: columns, height: rows, class: "cvt-answers-frame" });
  return make(
    "figure",
    { class: "cvt-answers-map" },
    svg("svg", { viewBox: `0 0 ${columns} ${rows}`, role: "img", "aria-label": words }, frame, ...cells),
    make("figcaption", { class: "cvt-sub", text: words }),
  );
}
