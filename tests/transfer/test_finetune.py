from random import Random

import numpy as np
import pytest
import torch

from gptlab.errors import DataError
from gptlab.evaluation.task import Example
from gptlab.experiment import TransferConfig
from gptlab.training.events import Judged, Tuned
from gptlab.transfer.classifier import Classifier, with_special_tokens
from gptlab.transfer.finetune import FineTuner, batches, choose_updated, chosen_examples, losses, n_steps_of, predict
from gptlab.transfer.inputs import Transformation


@pytest.fixture
def examples(pretrained, tokenizer):
    """Who has the kite: the one named last."""
    encode, rng = Transformation("classification", tokenizer, pretrained.config.vocab_size, 64), Random(1)
    return [encode(Example((f"{'the ' * rng.randrange(4)}{('Mina', 'Jun')[i % 2]} has it.",), label=i % 2)) for i in range(80)]


@pytest.fixture
def classifier(pretrained):
    torch.manual_seed(1)
    return Classifier(with_special_tokens(pretrained, TransferConfig()), "classification", 2)


def tuned(classifier, examples, config, metric="accuracy"):
    return list(FineTuner(classifier, examples, (), config, metric, "cpu").events())


def test_it_learns_and_is_looked_at(classifier, examples):
    config = TransferConfig(n_epochs=12, batch_size=8, learning_rate=3e-3, auxiliary=0.0)
    events = list(FineTuner(classifier, examples[:60], examples[60:], config, "accuracy", "cpu").events())
    updates, looks = ([e for e in events if isinstance(e, kind)] for kind in (Tuned, Judged))
    assert [event.step for event in updates] == list(range(n_steps_of(60, config))) and updates[0].auxiliary_nats is None
    assert looks[0].step == 0 and looks[-1].step == n_steps_of(60, config) and looks[-1].validation > 0.9 > looks[0].validation
    found = predict(classifier, examples[60:], "cpu")
    assert found.score.value == looks[-1].validation and np.allclose(found.probabilities.sum(1), 1)
    assert updates[-1].task_nats < updates[0].task_nats / 2


def test_it_goes_on_where_it_stopped(pretrained, examples):
    """Half, kept, taken up by another tuner: the same losses as in one go."""
    config = TransferConfig(n_epochs=2, batch_size=16)

    def fresh() -> FineTuner:
        torch.manual_seed(1)
        return FineTuner(Classifier(with_special_tokens(pretrained, config), "classification", 2), examples, (), config, "accuracy", "cpu")

    whole = [event.task_nats for event in fresh().events()]
    first = fresh()
    begun = [event.task_nats for _, event in zip(range(4), first.events(), strict=False)]
    second = fresh()
    second.classifier.load_state_dict(first.classifier.state_dict())
    second.restore(first.state())
    assert begun + [event.task_nats for event in second.events()] == whole


def test_quantities_are_learned(pretrained, tokenizer):
    """How many times a word is said."""
    encode, rng = Transformation("classification", tokenizer, pretrained.config.vocab_size, 64), Random(1)
    numbers = [rng.randrange(1, 9) for _ in range(160)]
    examples = [encode(Example((" ".join(["kite"] * n) + ".",), value=float(n))) for n in numbers]
    torch.manual_seed(1)
    classifier = Classifier(with_special_tokens(pretrained, TransferConfig()), "classification", 1)
    tuned(classifier, examples[:120], TransferConfig(n_epochs=8, batch_size=16, learning_rate=3e-3), metric="pearson")
    found = predict(classifier, examples[120:], "cpu", "pearson")
    assert found.score.metric == "pearson" and found.score.value > 0.9
    assert abs(found.probabilities[:, 0].mean() - np.mean(numbers)) < 1.5, "in the units of the labels"


def test_the_same_seed_gives_the_same_losses(pretrained, examples):
    def run(seed: int) -> list[float]:
        torch.manual_seed(1)
        fresh = Classifier(with_special_tokens(pretrained, TransferConfig()), "classification", 2)
        return [event.task_nats for event in tuned(fresh, examples, TransferConfig(n_epochs=1, batch_size=16, seed=seed))]

    assert run(1) == run(1) != run(2)


def test_every_example_is_seen_once_an_epoch(examples):
    config = TransferConfig(n_epochs=2, batch_size=7)
    rows = [tuple(row.tolist()) for batch in batches(examples, config) for row in batch.ids]
    assert len(rows) == 2 * len(examples) and n_steps_of(len(examples), config) == sum(1 for _ in batches(examples, config))


def test_lambda_weighs_the_auxiliary_loss(classifier, examples):
    classifier.eval()
    batch = next(batches(examples, TransferConfig(batch_size=8)))
    task, auxiliary = losses(classifier, batch, 0.5)
    assert auxiliary is not None and auxiliary > 0 and losses(classifier, batch, 0.0) == (task, None)


@pytest.mark.parametrize(
    ("updated", "n", "learns"),
    [("all", 1, {"head", "token", "0", "1", "2", "final"}), ("head", 1, {"head"}), ("top", 1, {"head", "2", "final"}),
     ("top", 2, {"head", "1", "2", "final"})],
)  # fmt: skip
def test_only_what_is_to_learn_changes(classifier, examples, updated, n, learns):
    before = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
    tuned(classifier, examples[:16], TransferConfig(n_epochs=1, batch_size=8, updated=updated, n_updated=n))
    changed = {name for name, tensor in classifier.state_dict().items() if not torch.equal(tensor, before[name])}

    def part(name: str) -> str:
        pieces = name.removeprefix("language_model.").split(".")
        return pieces[1] if pieces[0] in ("attentions", "mlps") else pieces[0].split("_")[0]

    assert {part(name) for name in changed} - {"position"} == learns


def test_more_than_there_is_is_told(classifier, examples):
    with pytest.raises(DataError, match="3 blocks"):
        choose_updated(classifier, TransferConfig(updated="top", n_updated=4))
    with pytest.raises(DataError, match="80"):
        chosen_examples(examples, 81, seed=1)
    with pytest.raises(DataError, match="no labelled"):
        tuned(classifier, [], TransferConfig())


def test_a_frozen_model_keeps_every_weight_and_its_prompt_learns(pretrained, examples):
    config = TransferConfig(n_epochs=1, batch_size=8, updated="prompt", n_prompt=4)
    classifier = Classifier(with_special_tokens(pretrained, config), "classification", 2, n_prompt=4)
    before = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
    events = tuned(classifier, examples[:16], config)
    changed = {name.split(".")[0] for name, tensor in classifier.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"soft_prompt", "head"} and all(event.auxiliary_nats is None for event in events)


def test_what_was_handed_over_can_be_kept(pretrained, examples):
    config = TransferConfig(n_epochs=1, batch_size=8, n_layers_taken=2, freeze_taken=True)
    classifier = Classifier(with_special_tokens(pretrained, config), "classification", 2)
    before = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
    tuned(classifier, examples[:16], config)
    changed = {name for name, tensor in classifier.state_dict().items() if not torch.equal(tensor, before[name])}
    layers = {int(name.split(".")[2]) for name in changed if "attentions" in name or "mlps" in name}
    assert layers == {2} and "language_model.position_embedding.weight" not in changed


def test_labels_are_chosen_by_the_seed(examples):
    first, again, other = (chosen_examples(examples, 10, seed) for seed in (1, 1, 2))
    assert first == again and first != other and len(chosen_examples(examples, None, 1)) == 80
