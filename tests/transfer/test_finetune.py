from random import Random

import numpy as np
import pytest
import torch

from gptlab.config import TransferConfig
from gptlab.errors import DataError
from gptlab.evaluation.task import Example
from gptlab.transfer.classifier import Classifier, with_special_tokens
from gptlab.transfer.finetune import batches, choose_updated, chosen_examples, fine_tune, losses, n_steps_of, predict
from gptlab.transfer.inputs import Transformation


@pytest.fixture
def examples(pretrained, tokenizer):
    """Who has the kite: the one named last."""
    encode, rng = Transformation("classification", tokenizer, pretrained.config.vocab_size, 64), Random(1)
    return [encode(Example((f"{'the ' * rng.randrange(4)}{('Mina', 'Jun')[i % 2]} has it.",), label=i % 2)) for i in range(80)]


@pytest.fixture
def classifier(pretrained):
    torch.manual_seed(1)
    return Classifier(with_special_tokens(pretrained, None, 1), "classification", 2)


def test_it_learns(classifier, examples):
    config = TransferConfig(n_epochs=12, batch_size=8, learning_rate=3e-3, auxiliary=0.0)
    events = list(fine_tune(classifier, examples[:60], config, "cpu"))
    assert [event.step for event in events] == list(range(n_steps_of(60, config))) and events[0].auxiliary_nats is None
    found = predict(classifier, examples[60:], "cpu")
    assert found.score.value > 0.9 and np.allclose(found.probabilities.sum(1), 1) and events[-1].task_nats < events[0].task_nats / 2


def test_the_same_seed_gives_the_same_losses(pretrained, examples):
    def run(seed: int) -> list[float]:
        torch.manual_seed(1)
        fresh = Classifier(with_special_tokens(pretrained, None, 1), "classification", 2)
        return [event.task_nats for event in fine_tune(fresh, examples, TransferConfig(n_epochs=1, batch_size=16, seed=seed), "cpu")]

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
    list(fine_tune(classifier, examples[:16], TransferConfig(n_epochs=1, batch_size=8, updated=updated, n_updated=n), "cpu"))
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
        next(fine_tune(classifier, [], TransferConfig(), "cpu"))


def test_labels_are_chosen_by_the_seed(examples):
    first, again, other = (chosen_examples(examples, 10, seed) for seed in (1, 1, 2))
    assert first == again and first != other and len(chosen_examples(examples, None, 1)) == 80
