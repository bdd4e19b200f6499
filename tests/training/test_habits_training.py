"""transformers' Trainer and accelerate fine-tune a model as the ViT notebooks do, with nothing changed but the names."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from cvt import CvtForImageClassification, CvtImageProcessor
from tests.helpers import pixels, tiny_model

transformers = pytest.importorskip("transformers")
accelerate = pytest.importorskip("accelerate")
transformers.logging.disable_progress_bar()

LABELS = ["dark", "light"]


class Pictures(torch.utils.data.Dataset):
    """A dozen pictures of noise, dark and light by turns, as a dataset with a transform gives them."""

    def __init__(self, processor):
        generator = np.random.default_rng(0)
        self.pictures = [
            Image.fromarray(generator.integers(0, 120, (32, 32, 3), dtype=np.uint8) + np.uint8(i % 2 * 130)) for i in range(12)
        ]
        self.processor = processor

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return {"pixel_values": self.processor(self.pictures[index], return_tensors="pt")["pixel_values"][0], "labels": index % 2}


def collate_fn(batch):
    return {
        "pixel_values": torch.stack([x["pixel_values"] for x in batch]),
        "labels": torch.tensor([x["labels"] for x in batch]),
    }


def compute_metrics(p):
    return {"accuracy": float((np.argmax(p.predictions, axis=1) == p.label_ids).mean())}


@pytest.fixture(autouse=True)
def _as_in_a_new_program():
    """accelerate keeps the precision of the first who asks."""
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)
    yield
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    tiny_model().save_pretrained(folder)
    CvtImageProcessor(size=32, crop_pct=1.0).save_pretrained(folder)
    return folder


def start(base):
    processor = CvtImageProcessor.from_pretrained(base)
    model = CvtForImageClassification.from_pretrained(
        base,
        num_labels=len(LABELS),
        id2label={str(i): c for i, c in enumerate(LABELS)},
        label2id={c: str(i) for i, c in enumerate(LABELS)},
        ignore_mismatched_sizes=True,
    )
    return processor, model


def logits(model):
    with torch.no_grad():
        return model.eval()(pixels()).logits.float()


def test_the_notebook_with_the_names_replaced(base, tmp_path):
    processor, model = start(base)
    torch.manual_seed(0)
    torch.nn.init.normal_(model.classifier.weight, std=0.02)
    training_args = transformers.TrainingArguments(
        output_dir=tmp_path / "out",
        per_device_train_batch_size=4,
        eval_strategy="steps",
        save_strategy="steps",
        max_steps=6,
        bf16=True,
        gradient_checkpointing=True,
        gradient_accumulation_steps=2,
        save_steps=3,
        eval_steps=3,
        logging_steps=3,
        learning_rate=1e-3,
        remove_unused_columns=False,
        push_to_hub=False,
        report_to=[],
        load_best_model_at_end=True,
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = transformers.Trainer(
        model=model,
        args=training_args,
        data_collator=collate_fn,
        compute_metrics=compute_metrics,
        train_dataset=Pictures(processor),
        eval_dataset=Pictures(processor),
        processing_class=processor,
    )
    before = trainer.evaluate()["eval_loss"]
    train_results = trainer.train()
    trainer.save_model()
    trainer.log_metrics("train", train_results.metrics)
    trainer.save_metrics("train", train_results.metrics)
    trainer.save_state()
    metrics = trainer.evaluate()
    assert metrics["eval_loss"] < before
    predictions = trainer.predict(Pictures(processor)).predictions
    assert predictions.shape == (12, 2)
    assert metrics["eval_accuracy"] == np.mean(predictions.argmax(1) == np.arange(12) % 2) > 0.8

    trained = model.state_dict()
    for folder in (tmp_path / "out", tmp_path / "out" / "checkpoint-6"):
        config = json.loads((folder / "config.json").read_text())
        assert (config["model_type"], config["id2label"]) == ("cvt", {"0": "dark", "1": "light"})
        assert (folder / "preprocessor_config.json").is_file()
        theirs = transformers.CvtForImageClassification.from_pretrained(folder)
        ours = CvtForImageClassification.from_pretrained(folder)
        assert all(torch.equal(value, trained[name]) for name, value in ours.state_dict().items())
        torch.testing.assert_close(logits(theirs), logits(ours), atol=1e-5, rtol=1e-4)

    # an interrupted training that is taken up again ends in the same numbers
    expected = ours.state_dict()
    trainer.train(resume_from_checkpoint=tmp_path / "out" / "checkpoint-3")
    for name, value in trainer.model.state_dict().items():
        torch.testing.assert_close(value, expected[name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("mixed_precision", ["no", "bf16"])
def test_a_plain_loop_with_accelerate(base, tmp_path, mixed_precision):
    processor, model = start(base)
    accelerator = accelerate.Accelerator(mixed_precision=mixed_precision, cpu=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    loader = torch.utils.data.DataLoader(Pictures(processor), batch_size=4, collate_fn=collate_fn)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    losses = []
    model.train()
    for _ in range(3):
        for batch in loader:
            loss = model(**batch).loss
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    assert sum(losses[-3:]) < sum(losses[:3])
    accelerator.wait_for_everyone()
    unwrapped = accelerator.unwrap_model(model)
    unwrapped.save_pretrained(
        tmp_path / "out",
        is_main_process=accelerator.is_main_process,
        save_function=accelerator.save,
        state_dict=accelerator.get_state_dict(model),
    )
    unwrapped.save_pretrained(tmp_path / "another", is_main_process=False, save_function=accelerator.save)
    assert not (tmp_path / "another").exists()
    saved = CvtForImageClassification.from_pretrained(tmp_path / "out")
    assert saved.config.id2label == {0: "dark", 1: "light"}
    kept = saved.state_dict()
    for name, value in unwrapped.state_dict().items():
        assert torch.equal(kept[name], value)


def test_offload_to_the_disk_and_back(base, tmp_path):
    """accelerate's hooks bring each block's weights in when it runs."""
    model = CvtForImageClassification.from_pretrained(base)
    expected = logits(model)
    places = {"cvt.encoder.stages.0": "cpu", "cvt.encoder.stages.1": "cpu", "cvt.encoder.stages.2": "disk"}
    places |= {"layernorm": "disk", "classifier": "cpu"}
    model = accelerate.dispatch_model(model, places, main_device="cpu", offload_dir=tmp_path / "offloaded", force_hooks=True)
    torch.testing.assert_close(logits(model), expected)


def test_transformers_takes_the_models_for_its_own_and_nothing_else_does():
    model = tiny_model()
    assert isinstance(model, transformers.PreTrainedModel)
    assert isinstance(model, CvtForImageClassification)
    assert type(model) is CvtForImageClassification
    assert type(model.__class__(model.config)) is CvtForImageClassification
    assert not isinstance(model.cvt.encoder, transformers.PreTrainedModel)
