"""The trainer: batches and their parts, steps, what it leaves to go on from."""

import copy
import io

import pytest
import torch

from cvt import CvtForImageClassification
from cvt.training.batches import Batches
from cvt.training.data.reading import PictureSet
from cvt.training.progress import Progress, Reporter, read_history
from cvt.training.recipe import Recipe
from cvt.training.trainer import Trainer
from tests.helpers import tiny_config, tiny_model

CLASSES = ("ant", "bee", "cat")
MOMENTS = [0.5] * 3, [0.25] * 3
QUICK = {"phases": (((16,), 2.0),), "batch_size": 8, "ema_decay": 0.9}
# Without what depends on the part of a batch: BatchNorm, and random numbers inside the model.
SAME_FOR_PARTS = {"qkv_projection_method": "avg", "drop_path_rate": 0.0, "num_labels": 3}


def picture_set(count=24, side=20, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    pictures = torch.randint(0, 120, (count, 3, side, side), generator=generator)
    pictures[torch.arange(count), labels] += 120
    return PictureSet(pictures.byte(), labels, tuple(map(str, range(count))), CLASSES)


def batches(recipe, parts=1, pictures=None):
    return Batches(pictures or picture_set(), recipe, *MOMENTS, torch.device("cpu"), parts)


def trainer(tmp_path, recipe, name="state.pt", model=None, **options):
    model = CvtForImageClassification(tiny_config(num_labels=3)) if model is None else model
    return Trainer(model, batches(recipe, recipe.accumulate), recipe, tmp_path / name, **options)


def gradients(state):
    """The optimizers' memory of gradients in a saved state. Weights say less: Muon and AdamW make much of rounding errors."""
    kept = [each for optimizer in state["optimizers"] for each in optimizer["state"].values()]
    return torch.cat([each.get("momentum_buffer", each.get("exp_avg")).flatten() for each in kept])


def assert_same_gradients(one, other):
    one, other = gradients(one), gradients(other)
    assert (one - other).norm() < 1e-3 * one.norm()


def silent(progress):
    pass


def test_parts_of_a_batch_are_together_the_whole():
    recipe = Recipe(**QUICK, mix=0.9, randaugment=9.0)
    whole, parts = batches(recipe), batches(recipe, parts=2)
    for step in range(len(whole.plan)):
        x, targets = whole(step)
        got = [parts(step, part) for part in range(2)]
        order = torch.cat([parts._own[part] for part in range(2)])
        assert sorted(order.tolist()) == list(range(8))
        assert torch.equal(torch.cat([each[0] for each in got]), x[order])
        assert torch.equal(torch.cat([each[1] for each in got]), targets[order])


def test_each_picture_comes_once_an_epoch_in_an_order_of_its_own():
    several = batches(Recipe(**QUICK))
    chosen = [several._chosen(step).tolist() for step in range(6)]
    assert sorted(sum(chosen[:3], [])) == sorted(sum(chosen[3:], [])) == list(range(24))  # noqa: RUF017
    assert chosen[0] != chosen[3]
    assert torch.equal(several(2)[0], batches(Recipe(**QUICK))(2)[0])  # whatever came before


def test_a_batch_that_cannot_be_parted_is_refused():
    with pytest.raises(ValueError, match="multiple of 6"):
        batches(Recipe(**QUICK), parts=3)
    with pytest.raises(ValueError, match="at least that many pictures"):
        batches(Recipe(**{**QUICK, "batch_size": 48}), parts=24)
    assert batches(Recipe(**{**QUICK, "batch_size": 700})).size == 24  # a small set is one batch


def test_accumulated_parts_make_the_same_step(tmp_path):
    recipe = Recipe(**QUICK, mix=0.5, muon_learning_rate=0.0, clip=1e9)  # clipping would hide the gradient's size
    for accumulate in (1, 4):
        several = trainer(tmp_path, Recipe(**{**vars(recipe), "accumulate": accumulate}), f"{accumulate}.pt", tiny_model(**SAME_FOR_PARTS))
        several.run(silent)
    assert_same_gradients(*(torch.load(tmp_path / f"{accumulate}.pt") for accumulate in (1, 4)))


def test_scaled_gradients_make_the_same_steps(tmp_path):
    recipe = Recipe(**QUICK, clip=0.5)
    for precision in ("float32", "float16"):  # on a CPU nothing but the scaling differs
        torch.manual_seed(0)
        several = trainer(tmp_path, recipe, f"{precision}.pt", precision=precision)
        several.run(silent)
    assert several.scaler.get_scale() > 1000
    states = [torch.load(tmp_path / f"{precision}.pt") for precision in ("float32", "float16")]
    assert_same_gradients(*states)
    assert states[1]["scaler"]
    again = trainer(tmp_path, recipe, "float16.pt", precision="float16")
    assert again.scaler.state_dict() == several.scaler.state_dict()


def test_a_model_learns_and_its_average_follows(tmp_path):
    recipe = Recipe(**{**QUICK, "phases": (((16,), 12.0),)}, mix=0.0)
    torch.manual_seed(0)
    learner, told = trainer(tmp_path, recipe), []
    assert learner.run(told.append, lambda average, side: (0.5, None), measurements=3)
    assert [report.step for report in told] == list(range(1, 37))
    assert told[-1].accuracy > 0.8 > 0.6 > told[0].accuracy
    assert told[-1].loss < told[0].loss
    assert [report.step for report in told if report.top1 is not None] == [12, 24]  # at the end the result is measured
    own, average = learner.model.state_dict(), learner.average.state_dict()
    assert all(torch.allclose(own[name].float(), value.float(), atol=0.2) for name, value in average.items())
    assert not torch.equal(own["classifier.weight"], average["classifier.weight"])


def test_a_teacher_is_listened_to(tmp_path):
    recipe = Recipe(**QUICK, mix=0.0, teacher_share=1.0, label_smoothing=0.0)
    teacher = tiny_model(num_labels=3, seed=4)
    torch.manual_seed(0)
    pupil = trainer(tmp_path, recipe, teacher=teacher)
    x, _ = pupil.batches(0)
    with torch.no_grad():
        torch.manual_seed(pupil.batches.seed(0))
        answers = pupil.model.train()(x).logits.log_softmax(1)
        expected = -(teacher(x).logits.softmax(1) * answers).sum(1).mean()
    pupil.model.load_state_dict(pupil.average.state_dict())  # BatchNorm counted that
    assert pupil.train_step()[0].item() == pytest.approx(expected.item(), abs=1e-5)
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_only_long_trainings_on_a_gpu_are_compiled(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr("cvt.training.trainer.compile_for_gpu", compiled.append)
    monkeypatch.setattr("cvt.training.trainer.Ahead", lambda batches: batches)  # which needs a GPU
    long = {**QUICK, "phases": (((16,), 200.0),)}  # 600 steps
    trainer(tmp_path, Recipe(**long))
    assert not compiled  # on the CPU
    monkeypatch.setattr(CvtForImageClassification, "device", torch.device("cuda"))
    trainer(tmp_path, Recipe(**QUICK))
    assert not compiled
    whole, parts = trainer(tmp_path, Recipe(**long)), trainer(tmp_path, Recipe(**long, accumulate=2))
    assert compiled == [whole.model, parts.model]
    assert whole._captured
    assert not parts._captured  # gradients that add up outlive a replay


def test_a_loss_that_is_no_number_stops_the_training(tmp_path):
    model = CvtForImageClassification(tiny_config(num_labels=3))
    with torch.no_grad():
        model.classifier.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="at step 1 the loss or the weights are NaN"):
        trainer(tmp_path, Recipe(**QUICK), model=model).run(silent)
    assert not (tmp_path / "state.pt").exists()


def test_weights_that_the_last_step_broke_are_no_result(tmp_path):
    learner = trainer(tmp_path, Recipe(**{**QUICK, "learning_rate": 1e39, "phases": (((16,), 0.3),)}))
    with pytest.raises(ValueError, match="at step 1 the loss or the weights are NaN"):
        learner.run(silent)
    assert not (tmp_path / "state.pt").exists()


@pytest.mark.parametrize("content", [b"", b"garbage", "half", "other"])
def test_a_damaged_state_is_one_sentence(tmp_path, content):
    trainer(tmp_path, Recipe(**QUICK), identity={"seed": "0"}).save()
    state = tmp_path / "state.pt"
    if content == "other":
        torch.save({"something": 1}, state)
    else:
        state.write_bytes(state.read_bytes()[: state.stat().st_size // 2] if content == "half" else content)
    with pytest.raises(ValueError, match=r"state\.pt in .* is damaged or not a training state: choose another --out"):
        trainer(tmp_path, Recipe(**QUICK), identity={"seed": "0"})


def test_a_state_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    trainer(tmp_path, Recipe(**QUICK)).save()

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cvt.training.trainer.torch.load", refused)
    with pytest.raises(PermissionError):
        trainer(tmp_path, Recipe(**QUICK))


def test_a_full_disk_leaves_the_last_state_whole(tmp_path, monkeypatch):
    learner = trainer(tmp_path, Recipe(**QUICK))
    learner.save()
    before = (tmp_path / "state.pt").read_bytes()

    def full(parts, file):
        file.write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    monkeypatch.setattr("cvt.training.trainer.torch.save", full)
    with pytest.raises(ValueError, match="could not be written: is the disk full"):
        learner.save()
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
    assert (tmp_path / "state.pt").read_bytes() == before


def test_a_damaged_history_loses_only_what_is_damaged(tmp_path):
    history = tmp_path / "history.csv"
    history.write_bytes(b"step,loss\n1,5.0\nrubbish\n\xff\xfe,3\n2,4.0\n9,1.0\n")
    assert [row["step"] for row in read_history(history, 5)] == ["1", "2"]
    history.write_text("colour\nred\n")
    assert read_history(history, 5) == []


def test_a_terminal_of_80_columns_shows_what_matters(tmp_path, monkeypatch):
    monkeypatch.setattr("cvt.training.progress.sys.stderr", (terminal := Terminal()))
    monkeypatch.setenv("COLUMNS", "80")
    with Reporter(tmp_path / "history.csv", 0, 120) as report:
        report(Progress(60, 120, 96, 2.5, 0.62, 1e-3, 45.0, 0.668, 0.86))
    shown = terminal.getvalue().split("\r")[-1].strip()
    assert shown.startswith("60/120 #")
    assert shown.endswith("left · 45 pictures/s · loss 2.500 · right 62%, held out 66.8%")
    assert len(shown) <= 80


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_stopped_and_gone_on_it_ends_with_the_same_weights(tmp_path):
    recipe = Recipe(**QUICK, mix=0.5, randaugment=5.0)
    start = CvtForImageClassification(tiny_config(num_labels=3, drop_path_rate=(0.0, 0.2, 0.4)))
    torch.manual_seed(7)
    whole = trainer(tmp_path, recipe, "whole.pt", copy.deepcopy(start))
    assert whole.run(silent)
    for step in range(1, 4):  # time is up after every step
        again = trainer(tmp_path, recipe, model=copy.deepcopy(start))
        assert not again.run(silent, seconds=0)
        assert again.step == step
    again = trainer(tmp_path, recipe, model=copy.deepcopy(start))
    assert again.run(silent)
    assert trainer(tmp_path, recipe, model=start).run(silent)  # nothing is left to do
    for one, other in ((whole.average, again.average), (whole.model, again.model)):
        values = other.state_dict()
        assert all(torch.equal(value, values[name]) for name, value in one.state_dict().items())
    assert torch.load(tmp_path / "state.pt")["seconds"] > 0


def test_a_state_of_another_run_is_refused(tmp_path):
    trainer(tmp_path, Recipe(**QUICK), identity={"batch_size": "8"}).save()
    with pytest.raises(ValueError, match=r"state\.pt in .* a different batch size"):
        trainer(tmp_path, Recipe(**QUICK), identity={"batch_size": "9"})


def test_a_state_that_was_saved_with_simulated_photographs_goes_on(tmp_path):
    trainer(tmp_path, Recipe(**QUICK), identity={"seed": "0", "photo": "0.3"}).save()
    assert trainer(tmp_path, Recipe(**QUICK), identity={"seed": "0"}).run(silent)


def test_a_state_whose_weights_have_other_names_is_refused(tmp_path):
    trainer(tmp_path, Recipe(**QUICK)).save()
    parts = torch.load(tmp_path / "state.pt")
    parts["model"] = {name.replace("cvt.encoder.", "cvt."): value for name, value in parts["model"].items()}
    torch.save(parts, tmp_path / "state.pt")
    with pytest.raises(ValueError, match=r"state\.pt in .* was written by an older version"):
        trainer(tmp_path, Recipe(**QUICK))
