// What "Break it" says around its experiments.

export const BREAKING = {
  break_finding: "Take something away, and see what the model still knows.",
  break_before: "Before",
  break_alone: "Your picture",
  break_unchanged: "After: nothing is changed yet",
  break_waiting: "Waiting for others to finish …",
  break_loading: "Loading the model ({size} MB, once), {share} …",
  break_running: "Running the model …",
  break_share: "Running the model, {share} …",
  break_cancelled: "Cancelled.",
  break_place: "stage {stage}, block {block}",
  break_stage: "Stage {stage}",
  break_axis_block: "block",
  break_axis_stage: "stage",
  break_table: "The same as a table",
  break_unlisted: "low",
};
