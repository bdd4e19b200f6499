// "When does it decide?"

export const DECIDE = {
  decide_ask: "After which block is the class decided? Slide to it, then look.",
  decide_slider: "The class is decided after",
  decide_show: "Show it",
  decide_again: "Guess again",
  decide_waiting: "Guess first: after which block does the model know what it sees?",
  decide_turned: "From block {block} of stage {stage} on the answer is {label}; before that it was {before}.",
  decide_always: "The answer is {label} from block {block} of stage {stage} on, the first that the classifier can read.",
  decide_half: "From block {block} on it has more than half of the probability.",
  decide_right: "You guessed exactly this block.",
  decide_early: "You guessed {place}: {count} {count|block|blocks} too early.",
  decide_late: "You guessed {place}: {count} {count|block|blocks} too late.",
  decide_align:
    "Every block of stage {stage} is read by the model's last LayerNorm and classifier, which were made for the last block. " +
    "The spaces before it do not align with theirs, so an early answer may be the reader's mistake.",
  decide_own: "the model's own classifier",
  decide_probe: "probes, one per block",
  decide_probes:
    "The stages before have no classifier. Dashed are linear probes: each was trained on {pictures} pictures to name the class " +
    "from the mean token. On {unseen} pictures that they never saw, they are right for {accuracies}.",
  decide_accuracy: "{share} ({place})",
  decide_no_probes_model: "The stages before have no classifier, and only the embedded model, unchanged, comes with probes that read them.",
  decide_no_probes_side: "The stages before have no classifier, and the probes that read them were trained for another input side.",
  decide_chart: "Probability of {count} {count|class|classes} after every block. {finding}",
  decide_probability: "probability in %",
  decide_after: "After",
  decide_reader: "Read by",
  decide_reader_own: "classifier",
  decide_reader_probe: "probe, right for {share}",
};
