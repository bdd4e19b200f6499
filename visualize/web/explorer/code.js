// The Python code that computes exactly what is shown, and draws it, for a notebook cell.

import { phrase } from "../words/phrase.js";

/** The picture's file as text in Python; the page does not know where on a person's machine a picture of their own is. */
const fileOf = ({ file = "your_picture.jpg" }) => JSON.stringify(file);

/**
 * `write`: the `code` of a layer. `about`: { state, stages, source (what from_pretrained takes, empty for the embedded model),
 * built (the lines that build a model that cannot be loaded), file (the picture's; none for one's own), also (the label of a
 * class that is not among the most probable), changed (what was changed: { lines, arguments, picture,
 * within }, as visualize/page/breaking/code.py writes it), given (model and
 * processor are there already, as in a notebook), cell, keyCell, cls, channel (of the feature picture), evidence ("key", "query"
 * or null) }.
 */
export function code(write, about) {
  const { stages } = about;
  const source = about.source ? JSON.stringify(about.source) : "";
  const { needs = [], lines, grid, style, stage = about.state.stage, cells = `stage.${grid}` } = write(about);
  const loaded = [
    `model = CvtForImageClassification.from_pretrained(${source})`,
    `processor = CvtImageProcessor.from_pretrained(${source})`,
  ];
  const also = about.also ? `, also=[model.config.label2id[${JSON.stringify(about.also)}]]` : "";
  const { picture, arguments: more = "", within } = about.changed ?? {};
  const hint = about.file ? "" : "  # the path of the picture that you chose";
  const explored = `seen = explore(model, processor, ${picture ?? fileOf(about)}${also}${more})${picture ? "" : hint}`;
  return [
    ...(about.built || about.given ? [] : ["from cvt import CvtForImageClassification, CvtImageProcessor"]),
    "from visualize import explore",
    ...needs,
    "from visualize.draw.plots import draw_cells, new_figure",
    "",
    ...(about.built ? [about.built] : about.given ? [phrase("given_model")] : loaded),
    ...(picture ? [`file = ${fileOf(about)}${hint}`] : []),
    ...(about.changed ? [about.changed.lines] : []),
    ...(within ? [`with ${within}:`, `    ${explored}`] : [explored]),
    "",
    `stage = seen.stages[${stage}]  # of ${stages.length}; here everything counts from 0`,
    ...lines,
    "",
    "figure = new_figure(5, 5)",
    "axes = figure.add_subplot()",
    "axes.imshow(seen.pixels, extent=(0, seen.pixels.shape[1], seen.pixels.shape[0], 0))",
    `draw_cells(axes, ${cells}, picture${style})`,
    "axes.set(xlim=(0, seen.pixels.shape[1]), ylim=(seen.pixels.shape[0], 0))",
    'figure.savefig("view.png")',
  ].join("\n");
}

/** The weights of a row, a column, or the mean of all rows. */
export function attentionCode({ state, stages, cell, keyCell, cls }) {
  const [stage, block, head] = [stages[state.stage], state.blocks[state.stage], state.heads[state.stage]];
  const first = stage.cls ? 1 : 0;
  const mean = head < 0 ? "shown = weights.mean(axis=0)  # the mean of all heads" : `shown = weights[${head}]  # head ${head + 1}`;
  const query = cls ? "0  # the cls token" : `stage.query_index(row=${cell.row}, column=${cell.column})`;
  const key = cls ? "0  # the cls token" : `${keyCell.row * stage.key.shape[1] + keyCell.column + first}`;
  const weights = {
    token: [`query = ${query}`, `weights = stage.blocks[${block}].weights([query])[:, 0]  # (heads, keys), rows sum to 1`],
    mean: [`weights = stage.blocks[${block}].weights().mean(axis=1)  # (heads, keys), the mean over all tokens`],
    received: [`key = ${key}`, `weights = stage.blocks[${block}].weights()[:, :, key]  # (heads, queries)`],
  }[state.view];
  const grid = state.view === "received" ? "query_grid" : "key_grid";
  const places = first ? "shown[1:]" : "shown";
  return {
    grid,
    style: `, cmap="${state.colours === "grey" ? "gray" : state.colours}", vmin=0, alpha=0.75`,
    lines: [...weights, mean, `picture = ${places}.reshape(stage.${grid}.shape)${first ? "  # without the cls token" : ""}`],
  };
}

/** A conv embedding: the window that a token is made of, and the token's numbers as they leave the embedding. */
export function embeddingCode({ state, stages, cell, ...about }) {
  const { query, embedding } = stages[state.stage];
  const { kernel, stride, padding } = embedding;
  const slices = [cell.row, cell.column].map((place, axis) => {
    const start = place * stride[axis] - padding[axis];
    return `${Math.max(0, start)}:${start + kernel[axis]}`;
  });
  const first = state.stage === 0;
  const read = first
    ? `before = processor(${fileOf(about)}, return_tensors="pt")["pixel_values"]  # (1, 3, rows, columns): the pixels, normalised`
    : `before = torch.tensor(seen.stages[${state.stage - 1}].features)[None]  # (1, channels, rows, columns): the stage before`;
  return {
    needs: ["import torch", ...(first ? ["from cvt.architecture.geometry import pixels"] : [])],
    style: ', cmap="gray", vmin=0, vmax=1, alpha=0.5',
    cells: first ? "pixels(*seen.pixels.shape[:2])" : `seen.stages[${state.stage - 1}].query_grid`,
    lines: [
      read,
      `window = before[0, :, ${slices.join(", ")}]  # what the token at row ${cell.row}, column ${cell.column} is made of`,
      "with torch.inference_mode():",
      `    tokens, _ = model.cvt.encoder.stages[${state.stage}].embedding(before)  # (1, tokens, channels)`,
      `shown = tokens[0, ${cell.row * query.shape[1] + cell.column}].numpy()  # the token as it leaves the embedding`,
      "picture = torch.zeros(before.shape[2:])",
      `picture[${slices.join(", ")}] = 1  # where the window lies`,
      "picture = picture.numpy()",
    ],
  };
}

/** One picture of a stage's feature map. */
export function featureCode({ state, cell, channel }) {
  const signed = ', cmap="RdBu_r", vmin=-abs(shown).max(), vmax=abs(shown).max()';
  const found = {
    pca: {
      needs: ["from visualize.maps.features import principal_components"],
      style: "",
      lines: ["shown = principal_components(stage.features).rgb  # red, green, blue"],
    },
    mean: { style: signed, lines: ["shown = stage.features.mean(axis=0)  # the mean of all channels"] },
    channel: { style: signed, lines: [`shown = stage.features[${channel}]  # channel ${channel + 1}`] },
    similarity: {
      needs: ["import numpy as np"],
      style: ', cmap="RdBu_r", vmin=-1, vmax=1',
      lines: [
        "tokens = stage.features.reshape(len(stage.features), -1)  # (channels, tokens)",
        ...(state.centred ? ["tokens = tokens - tokens.mean(axis=1, keepdims=True)  # without the mean token"] : []),
        "tokens = tokens / np.linalg.norm(tokens, axis=0)",
        `token = ${cell.row} * stage.query_grid.shape[1] + ${cell.column}`,
        "shown = (tokens[:, token] @ tokens).reshape(stage.query_grid.shape)  # cosines",
      ],
    },
  }[state.features];
  return { ...found, grid: "query_grid", lines: [...found.lines, "picture = shown"] };
}

/** What places add to a class's score; the attention if no place reaches the classifier. */
export function evidenceCode(about) {
  const {
    state: { which },
    stages,
    evidence,
  } = about;
  if (!evidence) return attentionCode(about);
  const place = which ? `the class in place ${which + 1}` : "the most probable class";
  return {
    stage: stages.length - 1,
    grid: `${evidence}_grid`,
    style: ', cmap="RdBu_r", vmin=-abs(shown).max(), vmax=abs(shown).max(), alpha=0.75',
    lines: [
      `shown = seen.evidence.places[${which}]  # of ${about.also ? JSON.stringify(about.also) : place}`,
      `picture = shown.reshape(stage.${evidence}_grid.shape)`,
    ],
  };
}
