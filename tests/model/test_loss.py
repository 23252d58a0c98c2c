import pytest
import torch
import torch.nn.functional as F

from gptlab.model import loss
from gptlab.model.loss import rows_of_block, weighed_nats


def made(n=150, width=8, words=23):
    generator = torch.Generator().manual_seed(1)
    hidden, vocabulary = (torch.randn(size, width, generator=generator).requires_grad_(True) for size in (n, words))
    return hidden, vocabulary, torch.randint(words, (n,), generator=generator)


@pytest.mark.parametrize("block", [1, 10**6])
def test_loss_and_gradients_are_those_of_the_logits_in_one_piece(monkeypatch, block):
    monkeypatch.setattr(loss, "BLOCK", {"cpu": block})  # three blocks, the last one short; one
    hidden, vocabulary, targets = made()
    weights = torch.rand(150, generator=torch.Generator().manual_seed(2))
    plain = (F.cross_entropy(hidden @ vocabulary.T, targets, reduction="none") * weights).sum()
    wanted = torch.autograd.grad(2 * plain, (hidden, vocabulary))
    found = weighed_nats(hidden, vocabulary, targets, weights)
    assert torch.allclose(found, plain, rtol=1e-5)
    for one, other in zip(torch.autograd.grad(2 * found, (hidden, vocabulary)), wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)  # sums of 150 parts of either sign, up to 10 wide


def test_without_weights_it_is_the_mean():
    hidden, vocabulary, targets = made()
    assert torch.allclose(weighed_nats(hidden, vocabulary, targets), F.cross_entropy(hidden @ vocabulary.T, targets), rtol=1e-5)


def test_a_word_that_is_out_of_the_question_has_a_finite_loss():
    hidden = torch.tensor([[200.0]], requires_grad=True)
    vocabulary = torch.tensor([[1.0], [-1.0]])
    found = weighed_nats(hidden, vocabulary, torch.tensor([1]))
    assert found.item() == pytest.approx(400.0)
    found.backward()
    assert hidden.grad.item() == pytest.approx(2.0)


def test_bf16_is_near_and_gives_gradients_of_the_weights_own_kind():
    hidden, vocabulary, targets = made()
    with torch.autocast("cpu", torch.bfloat16):
        found = weighed_nats(hidden, vocabulary, targets)
    found.backward()
    assert found.item() == pytest.approx(F.cross_entropy(hidden @ vocabulary.T, targets).item(), rel=0.01)
    assert hidden.grad.dtype == vocabulary.grad.dtype == torch.float32


def test_a_block_has_as_many_tokens_as_the_vectors_are_wide():
    assert rows_of_block(8192, 128, "cpu") == 128 and rows_of_block(50257, 768, "cpu") == 768
    assert rows_of_block(65, 128, "cpu") % 64 == 0 and rows_of_block(50257, 32, "cpu") == 64
