"""What a model returns behaves as transformers' outputs do: read, rebuilt, changed, copied, walked through."""

import copy
import dataclasses
import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping

import pytest
import torch
from torch.utils import _pytree as pytree
from transformers.modeling_outputs import ImageClassifierOutput as Theirs

from cvt.model import CvtModel
from cvt.outputs import CvtModelOutput, ImageClassifierOutput
from tests.helpers import pixels, tiny_model

LOGITS, MAPS = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), (torch.ones(2, 1), torch.zeros(2, 3))
GIVEN = {"logits": LOGITS, "hidden_states": MAPS}


def changed(output, change):
    change(output)
    return output


USES = {
    "attributes": lambda out: (out.loss, out.logits, out.hidden_states, out.attentions),
    "by name": lambda out: (out["logits"], out["hidden_states"]),
    "by position": lambda out: (out[0], out[1], out[-1], out[:1], out[1:]),
    "as tuple": lambda out: out.to_tuple(),
    "as dict": lambda out: (dict(out), list(out), list(out.keys()), list(out.values()), list(out.items()), len(out)),
    "unpacked by name": lambda out: dict(**out),
    "asked for": lambda out: ("loss" in out, "logits" in out, out.get("loss", "none"), bool(out)),
    "kinds": lambda out: [isinstance(out, kind) for kind in (dict, OrderedDict, Mapping, tuple)],
    "a name without value": lambda out: out["loss"],
    "a position too many": lambda out: out[2],
    "rebuilt from a dict": lambda out: type(out)(dict(out)),
    "rebuilt from itself": lambda out: type(out)(out),
    "rebuilt from pairs": lambda out: type(out)((name, out[name]) for name in out),
    "rebuilt from a list of pairs": lambda out: type(out)([[name, out[name]] for name in out]),
    "rebuilt by names": lambda out: type(out)(**out),
    "the first value alone": lambda out: type(out)(LOGITS.sum()),
    "nothing": lambda out: type(out)(),
    "None alone": lambda out: type(out)(None),
    "a value that is no tensor": lambda out: type(out)(2.5),
    "a first value that is a list": lambda out: type(out)([1, 2, 3]),
    "attribute set": lambda out: changed(out, lambda out: setattr(out, "attentions", MAPS)),
    "attribute replaced": lambda out: changed(out, lambda out: setattr(out, "logits", LOGITS * 2)),
    "item set": lambda out: changed(out, lambda out: out.__setitem__("loss", LOGITS.sum())),
    "another item": lambda out: changed(out, lambda out: out.__setitem__("extra", LOGITS)).extra,
    "another attribute": lambda out: list(changed(out, lambda out: setattr(out, "extra", LOGITS))),
    "item deleted": lambda out: out.__delitem__("logits"),
    "popped": lambda out: out.pop("logits"),
    "updated": lambda out: out.update(logits=LOGITS),
    "default set": lambda out: out.setdefault("loss", LOGITS),
    "copied": copy.copy,
    "copied deeply": copy.deepcopy,
    "its own copy": lambda out: out.copy(),
    "pickled": lambda out: pickle.loads(pickle.dumps(out)),
    "saved": lambda out: saved(out),
    "a field replaced": lambda out: dataclasses.replace(out, logits=LOGITS + 1),
    "mapped as a tree": lambda out: pytree.tree_map(lambda value: value * 2, out),
    "leaves of the tree": lambda out: pytree.tree_leaves(out),
    "paths of the tree": lambda out: [pytree.keystr(path) for path, _ in pytree.tree_leaves_with_path(out)],
    "words": lambda out: repr(out).partition("(")[2],
}  # fmt: skip


def saved(output):
    torch.save(output, file := io.BytesIO())
    file.seek(0)
    return torch.load(file, weights_only=False)


def outcome(use, cls):
    """What a use gives, its kinds of values included; or the kind of the error."""
    try:
        result = use(cls(**GIVEN))
    except (KeyError, IndexError) as error:
        return type(error)
    except Exception:
        return Exception
    return plain(result, cls)


def plain(value, cls):
    if isinstance(value, cls):
        return "output", {name: plain(getattr(value, name), cls) for name in cls.__dataclass_fields__}, plain(dict(value), cls)
    if isinstance(value, dict):
        return {name: plain(each, cls) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [plain(each, cls) for each in value]
    return value.tolist() if isinstance(value, torch.Tensor) else value


@pytest.mark.parametrize("name", USES)
def test_uses(name):
    assert outcome(USES[name], ImageClassifierOutput) == outcome(USES[name], Theirs)


def test_a_value_set_to_none_is_gone():
    """In transformers the item stays while the attribute is None."""
    output = ImageClassifierOutput(**GIVEN)
    output.logits = None
    assert (list(output), output.to_tuple()) == (["hidden_states"], (MAPS,))


def test_what_tools_do_with_outputs():
    accelerate = pytest.importorskip("accelerate")
    model, x = tiny_model().bfloat16(), pixels().bfloat16()
    for each in (model, model.cvt):
        output = each(x, output_hidden_states=True, output_attentions=True)
        for done in (
            accelerate.utils.convert_to_fp32(output),
            accelerate.utils.recursively_apply(lambda value: value.float(), output),
            accelerate.utils.send_to_device(output, "cpu"),
        ):
            assert type(done) is type(output)
            assert list(done) == list(output)
            assert torch.equal(done[0].float(), output[0].float())
        assert accelerate.utils.convert_to_fp32(output)[0].dtype == torch.float32


def test_what_data_parallel_does_with_outputs():
    """Its gather rebuilds each output from pairs of a name and the devices' values, joined."""
    parts = [tiny_model()(pixels(seed=seed), output_hidden_states=True) for seed in (1, 2)]
    joined = type(parts[0])((name, torch.cat([part[name] for part in parts])) for name in parts[0] if name == "logits")
    assert torch.equal(joined.logits, torch.cat([part.logits for part in parts]))


@pytest.mark.parametrize("cls", [CvtModelOutput, ImageClassifierOutput])
def test_none_of_its_own_values_is_taken_for_pairs(cls):
    names = list(cls.__dataclass_fields__)
    maps = (torch.ones(2, 2), torch.ones(2, 2))
    assert cls(**{names[0]: maps})[0] is maps
    assert cls(**{names[2]: maps})[names[2]] is maps


@pytest.mark.parametrize("returned", ["dict", "tuple"])
def test_traced_models_compute_the_same_for_other_batches(returned):
    class Tuple(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x, return_dict=False)

    for cls in (None, CvtModel):
        model = tiny_model(depth=1, **({} if cls is None else {"cls": cls}))
        with torch.no_grad():
            traced = torch.jit.trace(
                model if returned == "dict" else Tuple(model), (pixels(),), strict=returned == "tuple", check_trace=False
            )
            x = pixels(3, 3, 48, 32)
            got = traced(x)
            assert torch.allclose(next(iter(got.values())) if returned == "dict" else got[0], model(x)[0], atol=1e-5)
