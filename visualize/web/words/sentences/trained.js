// What is said of models that were trained without a part.

export const TRAINED_SENTENCES = {
  training_same: "Not retrained",
  training_trained: "Trained without it",
  trained_accuracy: "{mean}\u00a0±\u00a0{sd}{unit}",
  trained_name: "{title}, trained: {accuracy}",
  trained_better: "Better: {difference} points, between {low} and {high}.",
  trained_worse: "Worse: {difference} points, between {low} and {high}.",
  trained_none: "No clear difference: {difference} points, between {low} and {high}.",
  trained_about: "Each was trained {seeds} times, for {epochs} epochs on pictures of 64×64 pixels. You see one of the three.",
  trained_how: "Between: the {level}{unit} interval of the difference. Where it includes 0, chance may explain it.",
  trained_caption: "Share of unseen pictures that are classified correctly",
  trained_side: "{side}×{side} pixels",
  trained_shifted: "Shifted by up to 8 pixels",
  trained_difference: "Difference",
  trained_row: "{difference} ({low} to {high})",
  trained_clear: "clear",
  trained_unclear: "not clear",
};
