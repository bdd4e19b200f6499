// Python code for what an experiment changed, as visualize/page/breaking/code.py writes it.

/** The code for parts of a model that are replaced. `files`: of the example pictures. */
export function changedLines(interventions, files) {
  const lines = [
    "from visualize.change.interventions import Intervention",
    "",
    "interventions = [",
    ...interventions.map(({ stage, block, part, head, how }) => {
      return `    Intervention(stage=${stage}, block=${block}, part='${part}', head=${head ?? "None"}, how='${how}'),`;
    }),
    "]",
  ];
  if (!interventions.some(({ how }) => how === "examples")) return { lines: lines.join("\n"), arguments: ", interventions=interventions" };
  const means = [
    `files = [${files.map((file) => `'${file}'`).join(", ")}]`,
    "pictures = [processor(file, return_tensors='pt').pixel_values for file in files]",
    "means = example_means(model, pictures)",
  ];
  const all = ["from visualize.change.means import example_means", ...lines, ...means];
  return { lines: all.join("\n"), arguments: ", interventions=interventions, means=means" };
}

/** The code for a picture that is moved. */
export function movedLines({ down, right }) {
  const lines = [
    "from dataclasses import replace",
    "from PIL import Image",
    "from cvt.pictures import OpenedPicture",
    "from visualize.change.positions import Shift, changed",
    "",
    "shown = explore(model, processor, file)",
    `changes = [Shift(down=${down}, right=${right})]`,
    "pixels = changed(shown.pixels, changes)",
    "picture = OpenedPicture(Image.fromarray(pixels))",
    "processor = replace(processor, do_resize=False, do_center_crop=False)  # it is the model's input already",
  ];
  return { lines: lines.join("\n"), arguments: "", picture: "picture", within: null };
}
