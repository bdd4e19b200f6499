// The Python code that computes exactly what is shown, and draws it, for a notebook cell.

/**
 * `write`: the `code` of a layer. `about`: { state, stages, source (what from_pretrained takes, empty for the embedded model),
 * cell, keyCell, cls, channel (of the feature picture), evidence ("key", "query" or null) }.
 */
export function code(write, about) {
  const { stages } = about;
  const source = about.source ? JSON.stringify(about.source) : "";
  const { needs = [], lines, grid, style, stage = about.state.stage } = write(about);
  return [
    "from cvt import CvtForImageClassification, CvtImageProcessor",
    "from visualize import explore",
    ...needs,
    "from visualize.draw.plots import draw_cells, new_figure",
    "",
    `model = CvtForImageClassification.from_pretrained(${source})`,
    `processor = CvtImageProcessor.from_pretrained(${source})`,
    'seen = explore(model, processor, "picture.jpg")',
    "",
    `stage = seen.stages[${stage}]  # of ${stages.length}; here everything counts from 0`,
    ...lines,
    "",
    "figure = new_figure(5, 5)",
    "axes = figure.add_subplot()",
    "axes.imshow(seen.pixels, extent=(0, seen.pixels.shape[1], seen.pixels.shape[0], 0))",
    `draw_cells(axes, stage.${grid}, picture${style})`,
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
  return {
    stage: stages.length - 1,
    grid: `${evidence}_grid`,
    style: ', cmap="RdBu_r", vmin=-abs(shown).max(), vmax=abs(shown).max(), alpha=0.75',
    lines: [
      `shown = seen.evidence.places[${which}]  # of ${which ? `the class in place ${which + 1}` : "the most probable class"}`,
      `picture = shown.reshape(stage.${evidence}_grid.shape)`,
    ],
  };
}
