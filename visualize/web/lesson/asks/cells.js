// Cells of the main picture, chosen by pointer or keys. Where the token can be chosen too, it is chosen first.

import { best } from "../grade.js";
import { make, say } from "../../shared/dom.js";
import { fit, outline } from "../../shared/draw.js";
import { cellAt, cellBox, cellOf, centre, clipped } from "../../shared/geometry.js";
import { MAIN, page, updateEach } from "../../shared/page.js";
import { cellWords, markedWords } from "../../words/lesson.js";
import { phrase } from "../../words/phrase.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const PICTURE = `[data-explorer="${MAIN}"] [data-ref="picture"]`;
const TAKEN = ["pointermove", "pointerdown", "pointerup", "click", "wheel"]; // the picture does not hear these

const choose = (changes) => {
  const view = page.state.view[MAIN];
  if (view) updateEach("view", { [MAIN]: { ...view, state: { ...view.state, ...changes } } });
};

/** @type {import("./asks.js").Mount} */
export function mount(root, { name, ask, context, grid: asked, changed, ready }) {
  const picture = /** @type {HTMLElement} */ (document.querySelector(PICTURE));
  const { input, aspect, stages } = context.result;
  const { query } = stages[asked.stage];
  const grid = stages[asked.stage][asked.which];
  const free = ask.measure.token === "held"; // a person chooses the token
  let holding = free && !context.state.pinned;
  let chosen = /** @type {number[]} */ ([]); // in the order in which they were chosen
  let at = centreCell(grid);
  let shown = /** @type {?number[]} */ (null); // the model's cells, once revealed

  const canvas = make("canvas", { "aria-hidden": "true" });
  const live = make("span", { class: "cvt-hidden", role: "status" });
  const label = `${name} ${phrase("lesson_cells_keys", { count: ask.count })}`;
  const board = make("div", { class: "cvt-lesson-cells", tabindex: "0", role: "application", "aria-label": label }, canvas);
  const status = make("p", { class: "cvt-lesson-marked" });
  const other = make("button", { type: "button", class: "cvt-toggle", text: phrase("lesson_other_token"), hidden: true });
  const go = make("button", { type: "button", class: "cvt-toggle cvt-lesson-go", "data-onto": "", text: phrase("lesson_cells_go") });
  const keys = make("p", { class: "cvt-sub", text: phrase("lesson_cells_keys", { count: ask.count }), hidden: true });
  const element = make("div", {}, status, keys, go, other, live);
  root.append(element);
  picture.append(board);
  choose({ zoom: 1 });

  /** The grid that is pointed at now: the tokens', or the one of the cells. */
  const ground = () => (holding ? query : grid);

  const place = (event) => {
    const box = board.getBoundingClientRect();
    const [y, x] = [((event.clientY - box.top) / box.height) * input[0], ((event.clientX - box.left) / box.width) * input[1]];
    return cellAt(ground(), y, x);
  };

  function take(cell) {
    at = cell;
    if (shown || root.inert) return;
    if (holding) {
      choose({ ...centre(query, cell), cls: false, pinned: true, view: "token" });
      holding = false;
      at = centreCell(grid);
      tell(phrase("lesson_held"));
    } else {
      const was = chosen.includes(cell.index);
      chosen = was ? chosen.filter((each) => each !== cell.index) : [...chosen, cell.index].slice(-ask.count); // the first one gives way
      tell(`${cellWords(cell, !was)} ${markedWords(chosen.length, ask.count)}`);
    }
    changed(chosen.length === ask.count ? [...chosen] : null);
    draw();
  }

  const tell = (words) => say(live, words);

  function hold() {
    holding = true;
    chosen = [];
    at = cellAt(query, context.state.y, context.state.x);
    changed(null);
    draw();
    board.focus();
  }

  for (const type of TAKEN) board.addEventListener(type, (event) => event.stopPropagation());
  board.addEventListener("pointermove", (event) => {
    at = place(event);
    draw();
  });
  board.addEventListener("click", (event) => take(place(event)));
  board.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const [rows, columns] = ground().shape;
    if (step) {
      const row = Math.min(rows - 1, Math.max(0, at.row + step[0]));
      const column = Math.min(columns - 1, Math.max(0, at.column + step[1]));
      at = { row, column, index: row * columns + column };
      tell(cellWords(at, holding ? null : chosen.includes(at.index)));
      draw();
    } else if (event.key === "Enter" || event.key === " ") {
      if (!event.repeat) take(at);
    } else return; // Escape, and the Tab key
    event.preventDefault();
    event.stopPropagation();
  });
  board.addEventListener("keyup", ({ key }) => {
    // not while the key is down: it would press what gets the focus
    if ((key === "Enter" || key === " ") && chosen.length === ask.count && !holding && !shown && !root.inert) ready();
  });
  board.addEventListener("focus", () => {
    keys.hidden = !board.matches(":focus-visible");
    draw();
  });
  board.addEventListener("blur", () => {
    keys.hidden = true;
    draw();
  });
  go.addEventListener("click", () => board.focus()); // which is far from the panel by the Tab key
  other.addEventListener("click", hold);

  function draw() {
    fit(canvas, aspect);
    const box = (from, cell, more = {}) => outline(canvas, clipped(cellBox(from, cell), input), input, more);
    canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
    const { state } = context;
    if (free) box(query, cellAt(query, state.y, state.x), { dashed: true, weight: 2 });
    if (!shown) paint(holding ? [] : chosen, "mine");
    else {
      paint(shown, "true");
      for (const each of chosen) box(grid, cellOf(grid, each), { dashed: true, weight: 3 });
    }
    if (!shown && (board.matches(":hover") || board === document.activeElement)) box(ground(), at, { weight: 2 });
    go.hidden = shown !== null;
    other.hidden = !free || holding || shown !== null;
    const words = holding ? phrase("lesson_hold_first") : markedWords(chosen.length, ask.count);
    say(status, shown ? phrase("lesson_cells_legend") : words);
  }

  /** Fills the cells of one's own, or outlines the model's. */
  function paint(indices, kind) {
    const pen = canvas.getContext("2d");
    const [y, x] = [canvas.height / input[0], canvas.width / input[1]];
    for (const each of indices) {
      const { top, left, height, width } = clipped(cellBox(grid, cellOf(grid, each)), input);
      if (pen && kind === "mine") {
        pen.fillStyle = "rgba(255,255,255,.45)";
        pen.fillRect(left * x, top * y, width * x, height * y);
      }
      outline(canvas, { top, left, height, width }, input, { weight: kind === "mine" ? 2 : 4 });
    }
  }

  const watcher = new ResizeObserver(draw);
  watcher.observe(board);
  draw();

  return {
    focus: () => board.focus(),

    reveal(truth, _grade, answer) {
      chosen = answer ?? [];
      shown = truth.values ? best(truth.values, ask.count) : [];
      holding = false;
      board.tabIndex = -1;
      board.setAttribute("data-shown", "");
      board.setAttribute("aria-hidden", "true"); // what it shows is said in words
      draw();
    },

    destroy() {
      watcher.disconnect();
      board.remove();
      element.remove();
    },
  };
}

/** The cell in the middle. */
function centreCell({ shape: [rows, columns] }) {
  const [row, column] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return { row, column, index: row * columns + column };
}
