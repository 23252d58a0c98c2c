import dataclasses

import pytest
import torch

from gptlab.config import LSTMConfig, ModelConfig
from gptlab.errors import ConfigError, DataError, ModelError
from gptlab.evaluation.task import Example, Task
from gptlab.experiment import TransferConfig
from gptlab.model.build import build_model
from gptlab.transfer.classifier import Classifier, with_special_tokens
from gptlab.transfer.finetune import choose_updated
from gptlab.transfer.inputs import Packed, Prompted, Transformation, reader


@pytest.mark.parametrize("n_layers", [-1, 0, 1, 2, 3, None])
def test_layers_are_taken_from_the_bottom(pretrained, n_layers):
    model = with_special_tokens(pretrained, TransferConfig(n_layers_taken=n_layers))
    old, new = pretrained.state_dict(), model.state_dict()
    taken = {name for name in old if torch.equal(old[name], new[name][: len(old[name])])}
    matrices = {name for name, tensor in old.items() if tensor.ndim == 2}
    depth = 3 if n_layers is None else n_layers
    expected = {name for name in matrices if depth >= 0 and ("embedding" in name or int(name.split(".")[1]) < depth)}
    assert taken & matrices == expected
    assert new["token_embedding.weight"].shape[0] == old["token_embedding.weight"].shape[0] + 3


def test_layers_can_be_taken_from_the_top(pretrained):
    model = with_special_tokens(pretrained, TransferConfig(n_layers_taken=1, taken_from="top"))
    old, new = pretrained.state_dict(), model.state_dict()
    taken = {int(name.split(".")[1]) for name in old if name.endswith("part.projection.weight") and torch.equal(old[name], new[name])}
    assert taken == {2}


def test_more_layers_than_there_are_is_told(pretrained):
    with pytest.raises(ModelError, match="3 layers"):
        with_special_tokens(pretrained, TransferConfig(n_layers_taken=4))
    with pytest.raises(ConfigError):
        TransferConfig(n_layers_taken=-2)


def test_a_soft_prompt_is_read_before_the_text(pretrained, tokenizer):
    """As if its vectors were the embeddings of tokens: with those of real tokens it gives what the tokens give."""
    model = with_special_tokens(pretrained, TransferConfig())
    classifier = Classifier(model, "classification", 2, n_prompt=4).eval()
    encode = Transformation("classification", tokenizer, pretrained.config.vocab_size, 64, n_prompt=4)
    batch = Packed.of([encode(Example(("Mina gave Jun the red kite.",)))])
    before = torch.tensor([[5, 9, 11, 200]])
    with torch.no_grad():
        classifier.soft_prompt.copy_(model.token_embedding(before)[0])
    expected = model.hidden(torch.cat([before, batch.ids], dim=1))[:, 4:]
    assert torch.allclose(classifier.hidden(batch), expected, atol=1e-6)
    with pytest.raises(ModelError, match="Transformers"):
        Classifier(build_model(LSTMConfig(**SMALL, n_hidden=16), seed=1), "classification", 2, n_prompt=4)


SMALL = dict(vocab_size=50, n_embd=8)
WITHOUT_LAYERS = [LSTMConfig(**SMALL, n_hidden=16), ModelConfig(**SMALL, n_layer=2, n_head=2, shared_attention_groups=1)]


@pytest.mark.parametrize("config", WITHOUT_LAYERS, ids=["lstm", "shared"])
def test_what_has_no_layers_of_its_own_hands_over_all_or_says_so(config):
    model = build_model(config, seed=1)
    taken = with_special_tokens(model, TransferConfig()).state_dict()
    assert all(torch.equal(tensor, taken[name][: len(tensor)]) for name, tensor in model.state_dict().items())
    with pytest.raises(ModelError, match="hand over all"):
        with_special_tokens(model, TransferConfig(n_layers_taken=1))
    classifier = Classifier(with_special_tokens(model, TransferConfig()), "classification", 2)
    with pytest.raises(ModelError, match="has last blocks"):
        choose_updated(classifier, TransferConfig(updated="top"))


def test_a_soft_prompt_may_be_longer_than_the_vocabulary_but_not_than_the_context(pretrained, tokenizer):
    vocabulary = pretrained.config.vocab_size + 3
    classifier = Classifier(with_special_tokens(pretrained, TransferConfig()), "classification", 2, n_prompt=vocabulary + 5)
    assert len(classifier.soft_prompt) == vocabulary + 5 and torch.equal(classifier.soft_prompt[:5], classifier.soft_prompt[-5:])
    task = Task("t", "", "classification", "", "accuracy", ("a", "b"), "1", lambda _split: ())
    for n, fits in ((48, True), (49, False), (100, False)):
        config = TransferConfig(updated="prompt", n_prompt=n)
        if fits:
            assert reader(task, config, tokenizer, pretrained.config.vocab_size, 64).block_size == 16
            continue
        with pytest.raises(DataError, match="Take 48 vectors at most"):
            reader(task, config, tokenizer, pretrained.config.vocab_size, 64)


@pytest.mark.parametrize(("form", "n_texts", "shape"), [("classification", 1, (2, 3)), ("entailment", 2, (2, 3)), ("similarity", 2, (2, 3)),
                                                        ("choice", 2, (2, 4))])  # fmt: skip
def test_the_head_reads_at_extract(pretrained, tokenizer, form, n_texts, shape):
    """Neither padding nor what else is in the batch changes what is read."""
    encode = Transformation(form, tokenizer, pretrained.config.vocab_size, 64)
    texts = ("Mina gave Jun the kite.", "Jun was happy.")[:n_texts]
    short = tuple(text[:6] for text in texts)
    examples = [encode(Example(texts, choices=("a", "bb", "Jun", "kite"))), encode(Example(short, choices=tuple("abcd")))]
    classifier = Classifier(with_special_tokens(pretrained, TransferConfig()), form, 3).eval()
    together, _hidden = classifier(Packed.of(examples))
    assert together.shape == shape
    for example, logits in zip(examples, together, strict=True):
        assert torch.allclose(classifier(Packed.of([example]))[0][0], logits, atol=1e-5)


def test_similar_texts_count_in_either_order(pretrained, tokenizer):
    encode = Transformation("similarity", tokenizer, pretrained.config.vocab_size, 64)
    classifier = Classifier(with_special_tokens(pretrained, TransferConfig()), "similarity", 2).eval()
    one, other = (classifier(Packed.of([encode(Example(texts))]))[0] for texts in (("Mina", "Jun was happy."), ("Jun was happy.", "Mina")))
    assert torch.allclose(one, other, atol=1e-5)


def test_the_auxiliary_loss_is_the_language_models_on_the_text(pretrained, tokenizer):
    """By hand: mean over all next tokens of all sequences, padding left out."""
    encode = Transformation("classification", tokenizer, pretrained.config.vocab_size, 64)
    classifier = Classifier(with_special_tokens(pretrained, TransferConfig()), "classification", 2).eval()
    examples = [encode(Example((text,))) for text in ("Mina gave Jun the red kite.", "Jun")]
    batch = Packed.of(examples)
    _logits, hidden = classifier(batch, auxiliary=True)
    nats = []
    for example in examples:
        ids = torch.tensor([example.rows[0]])
        chances = classifier.language_model(ids)[0].log_softmax(-1)
        nats += [-chances[t, ids[0, t + 1]] for t in range(ids.shape[1] - 1)]
    assert torch.allclose(classifier.auxiliary_loss(batch, hidden), torch.stack(nats).mean(), atol=1e-5)


@pytest.mark.parametrize(("form", "n_prompt"), [("choice", 0), ("choice", 4), ("words", 0)])
def test_reading_once_what_answers_share_changes_nothing(pretrained, tokenizer, form, n_prompt):
    """Logits, both losses and every gradient are those of reading each sequence whole."""
    texts = ["Mina gave Jun the red kite. What did Jun get?", "Jun was happy. Who was happy?"]
    choices = [(" a kite", " Jun", " the red kite", " a kind"), (" Mina", " Jun", " happy", " Jun was")]
    if form == "words":
        task = Task("asked", "en", "choice", "sum", "accuracy", (), "1", lambda split: ())
        encode = Prompted(task, tokenizer, 64)
    else:
        encode = Transformation("choice", tokenizer, pretrained.config.vocab_size, 64, n_prompt)
    batch = Packed.of([encode(Example((text,), text, row, 1)) for text, row in zip(texts, choices, strict=True)])
    assert batch.together is not None and batch.together.ids.shape[1] < 2 * batch.ids.shape[1]
    classifier = Classifier(with_special_tokens(pretrained, TransferConfig()), form, 4, n_prompt=n_prompt).eval()
    found = []
    for way in (batch, dataclasses.replace(batch, together=None, shared=torch.zeros_like(batch.shared))):
        classifier.zero_grad()
        logits, hidden = classifier(way, auxiliary=True)
        auxiliary = classifier.auxiliary_loss(way, hidden)
        (torch.nn.functional.cross_entropy(logits, way.labels) + auxiliary).backward()
        gradients = [p.grad for p in classifier.parameters() if p.grad is not None]
        found.append((logits, auxiliary, *gradients))
    assert len(found[0]) > 20
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("norm_position", ["pre", "post"])
@pytest.mark.parametrize(("form", "n_prompt"), [("classification", 0), ("classification", 4), ("choice", 0), ("choice", 4), ("words", 4)])
def test_computing_only_what_answers_changes_nothing(pretrained, tokenizer, form, n_prompt, norm_position):
    """Logits and every gradient are those of a last block that computes all tokens."""
    model = build_model(pretrained.config.with_(norm_position=norm_position), seed=3)
    texts = ["Mina gave Jun the red kite. What did Jun get?", "Jun was happy.", "Who?"]
    choices = (" a kite", " Jun", " the red kite", " a kind")
    if form == "words":
        encode = Prompted(Task("asked", "en", "choice", "sum", "accuracy", (), "1", lambda split: ()), tokenizer, 64, n_prompt)
    else:
        encode = Transformation(form, tokenizer, model.config.vocab_size, 64, n_prompt)
    batch = Packed.of([encode(Example((text,), text, choices, 1)) for text in texts])
    assert (batch.together is None) == (form == "classification")
    classifier = Classifier(with_special_tokens(model, TransferConfig()), form, 4, n_prompt=n_prompt).eval()
    found = []
    for everywhere in (False, True):
        classifier.zero_grad()
        logits, hidden = classifier(batch, auxiliary=everywhere)
        assert (hidden is not None) == everywhere
        torch.nn.functional.cross_entropy(logits, batch.labels).backward()
        found.append((logits, *(p.grad for p in classifier.parameters() if p.grad is not None)))
    assert len(found[0]) > 20
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*found, strict=True))
