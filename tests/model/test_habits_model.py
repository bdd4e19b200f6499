"""What Hugging Face's users do with models and configs, done here and in transformers with the same weights."""

import copy
import json
import pickle
from functools import cache

import pytest
import torch

import cvt
from tests.helpers import pixels, tiny_config, tiny_model

transformers = pytest.importorskip("transformers")
transformers.logging.disable_progress_bar()
transformers.logging.set_verbosity_error()

LABELS = dict(enumerate(["ant", "bee", "cat", "dog", "eel"]))
X = pixels(1, 3, 32, 32)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Folders of one tiny model: as ``save_pretrained`` writes it, in parts, as a .bin, and as a variant."""
    root = tmp_path_factory.mktemp("habits")
    model = tiny_model(tiny_config(id2label=LABELS, num_labels=None, anything=[1], finetuning_task="pets"))
    model.save_pretrained(root / "whole")
    model.save_pretrained(root / "parts", max_shard_size="20KB")
    model.save_pretrained(root / "bin", safe_serialization=False)
    model.save_pretrained(root / "variant", variant="fp16")
    model.cvt.save_pretrained(root / "inner")
    model.half().save_pretrained(root / "half")
    return root


def classifier(library, place, *args, **options):
    if not args and not options:
        return copy.deepcopy(loaded(library, place))
    return library.CvtForImageClassification.from_pretrained(place / "whole", *args, **options)


@cache
def loaded(library, place):
    """Loading takes longer than most of what is then done with the model, so that each gets a copy."""
    return library.CvtForImageClassification.from_pretrained(place / "whole")


def logits(model):
    with torch.no_grad():
        output = model(X.to(model.dtype))
    return (output.logits if hasattr(output, "logits") else output[0]).float()


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def saved(library, place, tmp, **options):
    """What ``save_pretrained`` writes, and what comes of loading it."""
    classifier(library, place).save_pretrained(tmp / "saved", **options)
    variant = {"variant": options["variant"]} if "variant" in options else {}
    again = library.CvtForImageClassification.from_pretrained(tmp / "saved", **variant)
    return listing(tmp / "saved"), logits(again), again.config.id2label


def after(library, place, change):
    """The outputs of a model whose config was changed by ``change``."""
    model = classifier(library, place)
    change(model.config)
    with torch.no_grad():
        output = model(X)
    return type(output) is tuple, len(output), len(output[1]) if len(output) > 1 else 0, model.config.num_labels


def sets(**values):
    def change(config):
        for name, value in values.items():
            setattr(config, name, value)

    return change


def config_of(library, place, **options):
    return library.CvtConfig.from_pretrained(place / "whole", **options)


def loss_of(model, labels):
    with torch.no_grad():
        return model(pixels(2, 3, 32, 32), labels=labels).loss


def new_head(library, place, **labels):
    """Everything but the weights of a classifier that was made anew, which are random."""
    model, info = classifier(library, place, ignore_mismatched_sizes=True, output_loading_info=True, **labels)
    rest = {name: value for name, value in model.state_dict().items() if not name.startswith("classifier")}
    return model.config.id2label, model.config.label2id, model.classifier.weight.shape, rest, sorted(map(str, info["mismatched_keys"]))


def new_labels(model, count):
    """A head replaced by hand, as notebooks do it."""
    model.num_labels = model.config.num_labels = count
    model.classifier = torch.nn.Linear(model.classifier.in_features, model.num_labels)
    return model(X).logits.shape, loss_of(model, torch.tensor([0, 2])).shape


def update(config, values):
    config.update(values)
    return config


# name: f(library, place, an empty folder), which must give the same with cvt and with transformers
SAME = {
    # loading
    "keyword": lambda lib, place, _: logits(
        lib.CvtForImageClassification.from_pretrained(pretrained_model_name_or_path=str(place / "whole"))
    ),
    "subfolder": lambda lib, place, _: logits(lib.CvtForImageClassification.from_pretrained(place, subfolder="whole")),
    "parts": lambda lib, place, _: logits(lib.CvtForImageClassification.from_pretrained(place / "parts")),
    "bin": lambda lib, place, _: logits(lib.CvtForImageClassification.from_pretrained(place / "bin")),
    "use bin": lambda lib, place, _: logits(lib.CvtForImageClassification.from_pretrained(place / "bin", use_safetensors=False)),
    "use safetensors": lambda lib, place, _: logits(classifier(lib, place, use_safetensors=True)),
    "variant": lambda lib, place, _: logits(lib.CvtForImageClassification.from_pretrained(place / "variant", variant="fp16")),
    "inner model": lambda lib, place, _: lib.CvtModel.from_pretrained(place / "inner", add_pooling_layer=False)(X)[0],
    "inner model of a classifier": lambda lib, place, _: lib.CvtModel.from_pretrained(place / "whole", False)(X)[0],
    "loading info": lambda lib, place, _: {k: list(v) for k, v in classifier(lib, place, output_loading_info=True)[1].items()},
    "device map": lambda lib, place, _: logits(classifier(lib, place, device_map={"": "cpu"})),
    "device map, word": lambda lib, place, _: logits(classifier(lib, place, device_map="cpu")),
    "no meaning here": lambda lib, place, _: logits(
        classifier(
            lib,
            place,
            low_cpu_mem_usage=True,
            force_download=True,
            proxies=None,
            local_files_only=True,
            trust_remote_code=True,
            revision="main",
            token=None,
            weights_only=True,
            _fast_init=True,
            tp_plan=None,
            quantization_config=None,
        )
    ),
    "config": lambda lib, place, _: logits(classifier(lib, place, config=lib.CvtConfig.from_pretrained(place / "whole"))),
    "config by its path": lambda lib, place, _: logits(classifier(lib, place, config=str(place / "whole"))),
    "state dict": lambda lib, place, _: logits(
        lib.CvtForImageClassification.from_pretrained(None, config=config_of(lib, place), state_dict=classifier(lib, place).state_dict())
    ),
    "key mapping": lambda lib, place, _: logits(classifier(lib, place, key_mapping={"^nothing": "else"})),
    "dtype of the file": lambda lib, place, _: lib.CvtForImageClassification.from_pretrained(place / "half", dtype="auto").dtype,
    "dtype by name": lambda lib, place, _: classifier(lib, place, dtype="bfloat16").dtype,
    "dtype, older name": lambda lib, place, _: classifier(lib, place, torch_dtype=torch.float16).dtype,
    "attention": lambda lib, place, _: logits(classifier(lib, place, attn_implementation="eager")),
    "hidden states": lambda lib, place, _: [h.shape for h in classifier(lib, place, output_hidden_states=True)(X).hidden_states],
    "tuples": lambda lib, place, _: type(classifier(lib, place, return_dict=False)(X)),
    "problem type": lambda lib, place, _: loss_of(classifier(lib, place, problem_type="regression"), torch.ones(2, 5)),
    "other labels": lambda lib, place, _: new_head(lib, place, num_labels=3),
    "labels of the notebooks": lambda lib, place, _: new_head(
        lib, place, num_labels=2, id2label={0: "yes", 1: "no"}, label2id={"yes": 0, "no": 1}
    ),
    "as many labels": lambda lib, place, _: classifier(lib, place, num_labels=5).config.id2label,
    "evaluation mode": lambda lib, place, _: (classifier(lib, place).training, lib.CvtModel(config_of(lib, place)).training),
    # saving
    "saved": lambda lib, place, tmp: saved(lib, place, tmp),
    "saved in parts": lambda lib, place, tmp: saved(lib, place, tmp, max_shard_size="20KB"),
    "saved with a word": lambda lib, place, tmp: saved(lib, place, tmp, variant="fp16"),
    "saved in parts with a word": lambda lib, place, tmp: saved(lib, place, tmp, variant="fp16", max_shard_size=20_000),
    "saved by another": lambda lib, place, tmp: saved(lib, place, tmp, save_function=torch.save, is_main_process=True),
    "saved tensors": lambda lib, place, tmp: saved(
        lib, place, tmp, state_dict={name: value.clone() for name, value in classifier(lib, place).state_dict().items()}
    ),
    # a model
    "number of labels": lambda lib, place, _: (classifier(lib, place).num_labels, new_labels(classifier(lib, place), 3)),
    "parameters": lambda lib, place, _: classifier(lib, place).num_parameters(),
    "parameters that learn": lambda lib, place, _: (
        classifier(lib, place).requires_grad_(False).num_parameters(only_trainable=True, exclude_embeddings=True)
    ),
    "memory": lambda lib, place, _: [classifier(lib, place).get_memory_footprint(buffers) for buffers in (True, False)],
    "inner model's name": lambda lib, place, _: (
        type(classifier(lib, place).base_model).__name__,
        classifier(lib, place).base_model_prefix,
        lib.CvtModel.from_pretrained(place / "inner").base_model.base_model_prefix,
    ),
    "names": lambda lib, place, _: (
        classifier(lib, place).name_or_path,
        classifier(lib, place).config.name_or_path,
        classifier(lib, place).main_input_name,
        classifier(lib, place).config_class.__name__,
        lib.CvtModel.config_class.model_type,
    ),
    "text": lambda lib, place, _: (classifier(lib, place).can_generate(), classifier(lib, place).get_output_embeddings()),
    "encoder": lambda lib, place, _: len(classifier(lib, place).get_encoder().stages),
    "nothing to tie": lambda lib, place, _: classifier(lib, place).tie_weights(),
    "tensors by name": lambda lib, place, _: classifier(lib, place).state_dict(),
    "their tensors": lambda lib, place, _: str(classifier(lib, place).load_state_dict(classifier(transformers, place).state_dict())),
    "half, double": lambda lib, place, _: (classifier(lib, place).half().dtype, classifier(lib, place).to(torch.float64).dtype),
    "tags": lambda lib, place, _: [model.add_model_tags(["a", "b"]) or model.model_tags for model in [classifier(lib, place)]],
    "random weights": lambda lib, place, _: (
        lib.CvtModel._from_config(config_of(lib, place), dtype=torch.float16).dtype,
        lib.CvtModel._from_config(config_of(lib, place)).training,
    ),
    # attributes of model.config
    "set hidden states": lambda lib, place, _: after(lib, place, sets(output_hidden_states=True)),
    "set tuples": lambda lib, place, _: after(lib, place, sets(return_dict=False)),
    "set unknown": lambda lib, place, _: after(lib, place, sets(use_cache=False, anything=[1])),
    "set problem type": lambda lib, place, _: [
        loss_of(model, torch.ones(2, 5))
        for model in [classifier(lib, place)]
        for _ in [setattr(model.config, "problem_type", "multi_label_classification")]
    ],
    "set labels": lambda lib, place, _: [
        (config.id2label, config.label2id, config.num_labels)
        for config in [config_of(lib, place)]
        for _ in [setattr(config, "num_labels", 3)]
    ],
    "set as many labels": lambda lib, place, _: [
        (config.id2label, config.num_labels) for config in [config_of(lib, place)] for _ in [setattr(config, "num_labels", 5)]
    ],
    "set names": lambda lib, place, _: [
        (config.id2label, config.num_labels) for config in [config_of(lib, place)] for _ in [setattr(config, "id2label", {0: "a", 1: "b"})]
    ],
    # configs
    "unknown keys": lambda lib, place, _: (config_of(lib, place).anything, config_of(lib, place).finetuning_task),
    "unknown keywords": lambda lib, place, _: (lib.CvtConfig(anything=7).anything, hasattr(lib.CvtConfig(), "anything")),
    "common attributes": lambda lib, place, _: (
        [getattr(lib.CvtConfig(), name) for name in ("output_hidden_states", "output_attentions", "return_dict", "problem_type")],
        [getattr(lib.CvtConfig(), name) for name in ("architectures", "is_encoder_decoder", "chunk_size_feed_forward", "dtype")],
        (lib.CvtConfig.model_type, lib.CvtConfig.attribute_map, lib.CvtConfig().name_or_path, lib.CvtConfig().use_return_dict),
    ),
    "what a file says": lambda lib, place, _: (config_of(lib, place).architectures, str(config_of(lib, place).dtype)[-7:]),
    "unused keywords": lambda lib, place, _: [
        (config.depth == (9, 9, 9) or list(config.depth), unused)
        for config, unused in [config_of(lib, place, return_unused_kwargs=True, nothing=1, output_hidden_states=True)]
    ],
    "ignored keywords": lambda lib, place, _: config_of(lib, place, nothing=1).id2label,
    "of a JSON file": lambda lib, place, _: (
        lib.CvtConfig.from_json_file(place / "whole" / "config.json").id2label,
        lib.CvtConfig.from_pretrained(place / "whole" / "config.json").id2label,
    ),
    "content of the file": lambda lib, place, _: [
        (values["embed_dim"], values["finetuning_task"], unused)
        for values, unused in [lib.CvtConfig.get_config_dict(place / "whole", nothing=1)]
    ],
    "of a dict": lambda lib, place, _: [
        (list(config.depth), unused)
        for config, unused in [lib.CvtConfig.from_dict({"depth": [1, 2, 3]}, return_unused_kwargs=True, nothing=1)]
    ],
    "updated": lambda lib, place, _: [
        (config.output_hidden_states, config.anything)
        for config in [update(lib.CvtConfig(), {"output_hidden_states": True, "anything": 2})]
    ],
    "copies": lambda lib, place, _: (
        copy.deepcopy(config_of(lib, place)) == config_of(lib, place),
        pickle.loads(pickle.dumps(config_of(lib, place))) == config_of(lib, place),
        lib.CvtConfig() == lib.CvtConfig(num_labels=3),
        lib.CvtConfig() == {},
    ),
    "to JSON and back": lambda lib, place, tmp: [
        (json.loads((tmp / "c.json").read_text())["depth"], list(lib.CvtConfig.from_json_file(tmp / "c.json").depth))
        for config in [lib.CvtConfig(depth=[1, 2, 3], anything=1)]
        for _ in [config.to_json_file(tmp / "c.json")]
    ],
    "saved config": lambda lib, place, tmp: [
        (listing(tmp), lib.CvtConfig.from_pretrained(tmp).output_hidden_states)
        for config in [lib.CvtConfig(depth=[1, 2, 3], output_hidden_states=True)]
        for _ in [config.save_pretrained(tmp)]
    ],
    "what is said": lambda lib, place, _: [
        [name in values for name in ("output_hidden_states", "return_dict", "embed_dim", "model_type")]
        for config in [lib.CvtConfig()]
        for values in [config.to_dict(), config.to_diff_dict(), json.loads(config.to_json_string(use_diff=False))]
    ],
    "shown": lambda lib, place, _: (repr(lib.CvtConfig())[:11], "depth" in repr(lib.CvtConfig()), "depth" in list(lib.CvtConfig())),
}

# name: f(library, place, an empty folder), which must raise this, in both
REFUSED = {
    "an unknown argument": (TypeError, lambda lib, place, _: classifier(lib, place, nonsense=1)),
    "no config": (TypeError, lambda lib, place, _: lib.CvtModel({"depth": [1, 2, 3]})),
    "an attribute that is not there": (AttributeError, lambda lib, place, _: lib.CvtConfig().nothing),
    "token embeddings": (NotImplementedError, lambda lib, place, _: classifier(lib, place).get_input_embeddings()),
    "other token embeddings": (NotImplementedError, lambda lib, place, _: classifier(lib, place).set_input_embeddings(None)),
    "more tokens": (NotImplementedError, lambda lib, place, _: classifier(lib, place).resize_token_embeddings(9)),
    "positions": (NotImplementedError, lambda lib, place, _: classifier(lib, place).get_position_embeddings()),
    "more positions": (NotImplementedError, lambda lib, place, _: classifier(lib, place).resize_position_embeddings(9)),
    "a word that no file has": (OSError, lambda lib, place, _: classifier(lib, place, variant="fp8")),
    "no such subfolder": (OSError, lambda lib, place, _: lib.CvtModel.from_pretrained(place, subfolder="nowhere", local_files_only=True)),
    "a folder that is not there": (OSError, lambda lib, place, _: lib.CvtModel.from_pretrained(place / "absent")),
    "only .bin": (OSError, lambda lib, place, _: classifier(lib, place, use_safetensors=False)),
    "another size": (Exception, lambda lib, place, _: classifier(lib, place, num_labels=9)),
}


def assert_same(ours, theirs):
    if isinstance(theirs, torch.Tensor):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for name in theirs:
            assert_same(ours[name], theirs[name])
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert_same(mine, other)
    else:
        assert ours == theirs


@pytest.mark.parametrize("name", SAME)
def test_the_same_as_in_transformers(name, place, tmp_path):
    if name.startswith("device map"):
        pytest.importorskip("accelerate")
    for folder in ("ours", "theirs"):
        (tmp_path / folder).mkdir()
    assert_same(SAME[name](cvt, place, tmp_path / "ours"), SAME[name](transformers, place, tmp_path / "theirs"))


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_in_transformers(name, place, tmp_path):
    kind, habit = REFUSED[name]
    with pytest.raises(kind):
        habit(transformers, place, tmp_path)
    with pytest.raises(kind) as caught:
        habit(cvt, place, tmp_path)
    assert str(caught.value).strip()
    if kind in (OSError, Exception):
        assert isinstance(caught.value, ValueError)  # the sentences of this library
