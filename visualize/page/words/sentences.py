"""Every sentence of the page's server, as whole templates by key.

A message is a key and values until it is formatted here. ``{name}`` stands for a value.
"""

from __future__ import annotations

from typing import Any

SENTENCES = {
    # calls and files that the server refuses
    "failed": "Something went wrong here, and it is not your picture's fault. Nothing was lost: try again.",
    "unusable_values": "These values cannot be used here. See the page's API for what each endpoint takes.",
    "too_large_to_send": "This is too large to be sent here.",
    "disk_full": "The server has no room for this file now. Try again later.",
    "no_file": "This is not a form with a file in it.",
    "request_too_large": "The request is too large.",
    "not_json": "This is not JSON.",
    "result_gone": "This result is no longer stored.",
    "result_too_large": "This result takes {needed} MiB and the store holds {allowed}: use a smaller model or picture.",
    # pictures
    "not_uploaded": "This is not a picture that was uploaded here. Upload a file, or choose an example.",
    "addresses_off": "Pictures by address are switched off on this server. Download the picture and upload the file.",
    "downloads_busy": "Other pictures are being downloaded now. Try again in a moment, or upload the file.",
    "no_example": "There is no such example.",
    "no_picture": "Give a picture: upload a file.",
    "no_picture_chosen": "Choose a picture first.",
    "seen_in_part": "The model saw only the middle square of {width}×{height} pixels.",
    "seen_squeezed": "The model saw all of the {width}×{height} pixels, squeezed into a square.",
    # models
    "no_ablation": "There is no such trained ablation: choose {names}.",
    "trained_alike": "Both models were trained in the same way, on the same pictures of 64×64 pixels.",
    "no_model": "There is no model {name} here: choose {names}.",
    "model_without_blocks": "{name} has a stage without blocks, so there is no attention to show: give every stage 1 or more.",
    "unmeasured": "This model was never measured: how often it is right is not known.",
    "measured": "It classifies {percent}\u202f% of unseen pictures correctly. It knows only these {classes} classes.",
    "measured_one_class": "It classifies {percent}\u202f% of unseen pictures correctly. It knows only this one class.",
    "random_weights": "Random weights: these classes mean nothing. Grids, costs and geometry are true; compare those.",
    "other_input": "All weights are the trained model's. It sees {side}×{side} pixels instead of {own}×{own}, so the prediction differs.",
    "inherits_none": "None of the {count} weights are the trained model's.",
    "inherited_copied": "{percent} of the weights are the trained model's",
    "inherited_resized": "{percent} of the weights are resized from the trained model's",
    "inherited_resized_too": "{percent} are resized from it",
    "inherited_untrained": "{percent} are untrained",
    "prediction_same": "The prediction is exactly the model's.",
    "prediction_rounded": "What is new is zero, so the prediction is the model's up to rounding.",
    "broken_stage": "Every prediction passes through stage {stage}, which is untrained.",
    "broken_embedding": "Every prediction passes through the conv embedding of stage {stage}, which is untrained.",
    "broken_cls_token": "Every prediction passes through the cls token of stage {stage}, which is untrained.",
    "broken_classifier": "Every prediction passes through the classifier, which is untrained.",
    "prediction_disturbed": "The untrained parts disturb the trained ones. "
    "The prediction shows the disturbance, not what training would reach.",
    "prediction_changed": "They were trained in another architecture. "
    "The prediction shows what your change breaks, not what training would reach.",
    "classes_mean_nothing": "The classes mean nothing; costs and grids are true.",
    # the API
    "no_place": "Give stage, block, head, row and column as whole numbers.",
    "no_stage": "There is no stage {stage} in this model: choose 1 to {most}.",
    "no_block": "There is no block {block} in stage {stage}: choose 1 to {most}.",
    "no_head": "There is no head {head} in stage {stage}: choose 1 to {most}, or 0 for their mean.",
    "no_cls_token": "Stage {stage} has no cls token: choose a row and a column, counted from 1.",
    "no_token": "Stage {stage} has {rows}×{columns} tokens: there is none at row {row}, column {column}.",
    "attention_of_token": "Stage {stage}, block {block}, head {head}: how strongly the token at row {row}, column {column} "
    "attends to each of the {rows}×{columns} key cells.",
    "mean_attention_of_token": "Stage {stage}, block {block}, mean of the heads: how strongly the token at row {row}, column {column} "
    "attends to each of the {rows}×{columns} key cells.",
    "attention_of_cls": "Stage {stage}, block {block}, head {head}: how strongly the cls token "
    "attends to each of the {rows}×{columns} key cells.",
    "mean_attention_of_cls": "Stage {stage}, block {block}, mean of the heads: how strongly the cls token "
    "attends to each of the {rows}×{columns} key cells.",
    # a page that is saved
    "page_too_large": "This result is too large for one file. Choose a smaller input or model.",
    # "Break it"
    "not_a_question": "This is not a question: an object with its settings is expected.",
    "no_whole": "Set {name} to a whole number from {least} to {most}.",
    "no_such_choice": "Set {name} to one of these: {values}.",
    "no_number": "Set {name} to a number from {least} to {most}.",
    "no_flag": "Set {name} to true or false.",
    "inside_padded": "The inside of a block can be opened with zero padding only.",
    "no_pair": "These two pictures are not of one model and input size: choose two results of the same model.",
    "patch_of_changed": "Patching starts from the unchanged model: choose results without interventions and with zero padding.",
    "no_second_picture": "Choose a second picture: an example by its name, or the key of a result.",
    "shuffle_size": "Patches of {patch} pixels do not divide {height}×{width} pixels: choose a divisor of both.",
    "no_such_choices": "Set {name} to a list of some of these: {values}.",
    "explain_no_classes": "This model has no classes, so there is no prediction to explain.",
    "explain_unchanged": "Explanations are of the model as it is: ask about a result without interventions and with zero padding.",
    "no_interventions": "Give interventions as a list of objects with stage, block, part and how.",
    "no_way": "Only heads and attention can be uniform; {part} cannot.",
    "no_conv": "Stage {stage} has no {part}: its projections are linear.",
    "twice": "The part {part} of stage {stage}, block {block} is given twice. A block is its attention and its MLP.",
    "no_class": "There is no such class in this model.",
    "no_means_of_variant": "Means over the example pictures exist for loaded models only: choose another replacement.",
    "no_means_without_examples": "There are no example pictures here to take a mean of: choose another replacement.",
    # lessons
    "lesson_line": "Line {line}: {problem}",
    "lesson_large": "this is more than {most} kB. Make a lesson shorter than that.",
    "lesson_empty": "this file is empty. A lesson begins with format: 1.",
    "lesson_syntax": "this is not YAML ({problem}). Indent by spaces, and put text with a colon or a question mark in quotes.",
    "lesson_character": "the character {code} cannot be used. Delete it.",
    "lesson_not_text": "this is not text in UTF-8. Save the file as plain text.",
    "lesson_alias": "anchors (&) and aliases (*) cannot be used here. Write it out, or put the text in quotes.",
    "lesson_tag": "tags (!) cannot be used here. Delete it, or put the text in quotes.",
    "lesson_deep": "this is nested too deeply. A lesson has steps, a step has an ask, an ask has a measure.",
    "lesson_parts": "there is too much in this file. Make a lesson shorter.",
    "lesson_key": "a field needs a name before its colon. Write it as name: value.",
    "lesson_twice": "“{name}” is given twice. Delete one of them.",
    "lesson_no_fields": "fields are expected here: write one per line, as name: value. Possible are {names}.",
    "lesson_field": "there is no field “{name}” here. Choose among {names}.",
    "lesson_missing": "“{name}” is missing. Add it.",
    "lesson_unneeded": "“{name}” does not fit this kind of ask. Delete it.",
    "lesson_text": "“{name}” needs text of 1 to {most} characters.",
    "lesson_sentences": "“{name}” has {count} sentences. Use at most {most}.",
    "lesson_words": "the sentence “{start}” has {count} words. Use at most {most}.",
    "lesson_value": "“{name}” is “{value}”. Choose among {values}.",
    "lesson_whole": "“{name}” is “{value}”. Use a whole number: {expected}.",
    "lesson_share": "“{name}” is “{value}”. Use a share of the truth above 0 and up to 1, such as 0.25.",
    "lesson_name": "“name” is “{value}”. Use 1 to 40 small letters, digits and hyphens.",
    "lesson_steps": "“steps” needs a list of 1 to {most} steps, each begun with a hyphen.",
    "lesson_after": "“after” follows an answer. Add an “ask” to this step, or delete it.",
    "lesson_who_grades": "a choice needs either a measure, or its own options with right. Give one of them.",
    "lesson_no_measure": "only a measure can grade this kind of ask. Add it, and delete options.",
    "lesson_options": "“options” needs a list of {least} to {most} different short texts.",
    "lesson_parameter": "the measure {measure} has no “{name}”. It takes {names}.",
    "lesson_no_parameter": "the measure {measure} needs “{name}”. Add it.",
    "lesson_parameter_text": "“{name}” is “{value}”. Write it like this: {example}.",
    "lesson_link": "“{value}” is not a link's text. Write it like this: tab=explore&stage=3.",
    "lesson_link_key": "a step's link cannot have “{name}”. Choose among {names}.",
    "lesson_file_name": "“name” is “{value}”, but the file is called {name}. Give both the same name.",
    "lesson_taken": "there is another lesson “{value}”. Choose another name, for the file too.",
    "lesson_no_text": "Send the text of a lesson as text.",
    "no_lessons_folder": "There is no folder {folder} with lessons: check --lessons.",
    # the laboratory
    "not_an_architecture": "This is not an architecture: an object with stages is expected.",
    "no_input_side": "The input cannot be {value} pixels: choose a multiple of {step} up to {most}, or {own}.",
    "no_weights": "The weights cannot be {value}: choose inherited or random.",
    "no_seed": "The seed cannot be {value}: choose a whole number from 0 to {most}.",
    "no_run_id": "Invalid run id: 1 to {most} characters are expected.",
    "too_large_to_save": "This model's weights take {needed}, and at most {allowed} can be saved here. "
    "The Python code builds it on your machine.",
    "saving_busy": "Others are saving their models now. Try again in a moment.",
    "paper": "The paper's {table}: {numbers}.",
    "paper_parameters": "{value} million parameters",
    "paper_macs": "{value} billion multiply-adds at {side}×{side}",
    "paper_top1": "{value}\u202f% top-1",
    "paper_instead": "{number} instead of {before}",
    "waiting": "Waiting in line …",
    "building": "Building the variant …",
    "building_share": "Building the variant, {percent}\u202f% …",
    "running": "Running your picture through it …",
    # how a variant differs: the change, and its effect on the baseline by itself
    "difference": "{change}: {effect}",
    "input_side_changed": "Input side {old} → {new}",
    "setting_changed": "{label} {old} → {new} in {stages}",
    "stage_new": "Stage {stages} is new ({sizes})",
    "stages_new": "Stages {stages} are new ({sizes})",
    "stage_size": "depth {depth}, width {width}",
    "stage_gone": "Stage {stages} is gone",
    "stages_gone": "Stages {stages} are gone",
    "all_stages": "all stages",
    "one_stage": "stage {stages}",
    "some_stages": "stages {stages}",
    "only_together": "possible only together with other changes.",
    "no_effect": "multiply-adds and parameters unchanged.",
    "effect": "multiply-adds in all {macs}, parameters {parameters}.",
    "effect_on_attention": "attention weights {attention}, multiply-adds in all {macs}, parameters {parameters}.",
    "effect_on_attention_there": "attention weights there {attention}, multiply-adds in all {macs}, parameters {parameters}.",
    "unchanged": "unchanged",
    "from_none": "from none",
    "gone": "gone",
    "times_more": "{times}× as many",
    "times_fewer": "{times}× fewer",
    "slightly_up": "up by less than 0.1\u202f%",
    "slightly_down": "down by less than 0.1\u202f%",
    "percent_up": "+{percent}\u202f%",
    "percent_down": "−{percent}\u202f%",
    # links
    "link_unknown_key": "The link has an unknown part, {key}. It is ignored.",
    "link_too_long": "The link is too long to be from this page. The defaults are used.",
    "link_unreadable": "The link cannot be read. The defaults are used.",
    "link_repeats": "The link gives {key} more than once. The first value is used.",
    "link_value": "The link's {name} cannot be {value}. The default is used.",
    "link_architecture": "The link's architecture cannot be built. The model's own is used.",
    "link_input_small": "The link's input is too small for its architecture. The model's own input size is used.",
    "link_needs_input": "The link's architecture needs a larger input. The model's own architecture is used.",
    "link_no_cls": "The link's stage has no cls token. The default is used.",
    "link_half_place": "The link gives a row without a column, or a column without a row. The default is used.",
    "link_more": "{count} more parts of the link could not be used.",
    "link_stage_count": "number of stages",
    "link_side": "input side",
    "link_setting": "setting",
}


def say(key: str, /, **values: Any) -> str:
    """The sentence for this key with its values."""
    return SENTENCES[key].format(**values)


class Refused(ValueError):
    """A request that cannot be fulfilled, as ``key`` and ``values``; ``str`` gives the sentence."""

    def __init__(self, key: str, /, **values: Any):
        super().__init__(key, values)
        self.key, self.values = key, values

    def __reduce__(self):
        return _refused, (self.key, self.values)

    def __str__(self) -> str:
        return say(self.key, **self.values)


def _refused(key: str, values: dict[str, Any]) -> Refused:
    return Refused(key, **values)
