"""The loss in which answers count more."""

import pytest
import torch

from gptlab.config import ModelConfig
from gptlab.data.village.demonstrations import REPLIES
from gptlab.model.gpt import GPT
from gptlab.tokenizer import BPETokenizer, CharacterTokenizer
from gptlab.training.answers import AnswersCountMore
from gptlab.training.loop import next_token_loss

TEXT = (
    "Mina had a kite.\nQuestion: Who had a kite?\nAnswer: Mina had it\nQuestion: What?\nAnswer: a kite\n\n"
    "A: no\nB: no\n질문: 누구?\n대답: 민아\n"
)


def letters(text):
    return CharacterTokenizer.train(text)


def pieces(text):
    return BPETokenizer.train(text * 20, 300)


@pytest.mark.parametrize("make", [letters, pieces])
def test_an_answer_goes_from_its_label_to_the_end_of_its_line(make):
    tokenizer = make(TEXT)
    ids = torch.from_numpy(tokenizer.encode(TEXT))[None]
    inside = AnswersCountMore(tokenizer, REPLIES, 5.0).answers(ids)[0]
    assert tokenizer.decode(ids[0][inside].tolist()) == " Mina had it\n a kite\n no\n 민아\n"


def test_a_label_inside_a_line_opens_no_answer():
    text = "The letter said Answer: yes\nand A: no\n"
    tokenizer = letters(text + TEXT)
    assert not AnswersCountMore(tokenizer, REPLIES, 5.0).answers(torch.from_numpy(tokenizer.encode(text))[None]).any()


def test_the_loss_is_the_mean_by_weights():
    tokenizer = letters(TEXT)
    torch.manual_seed(1)
    model = GPT(ModelConfig(vocab_size=tokenizer.vocab_size, block_size=200, n_layer=1, n_head=1, n_embd=8)).eval()
    batch = torch.from_numpy(tokenizer.encode(TEXT))[None]
    loss = AnswersCountMore(tokenizer, REPLIES, 4.0)
    nats = torch.nn.functional.cross_entropy(model(batch[:, :-1])[0], batch[0, 1:], reduction="none")
    weights = torch.where(loss.answers(batch)[0, 1:], 4.0, 1.0)
    assert loss(model, batch).item() == pytest.approx(((nats * weights).sum() / weights.sum()).item(), rel=1e-5)
    alike = AnswersCountMore(tokenizer, REPLIES, 1.0)
    assert alike(model, batch).item() == pytest.approx(next_token_loss(model, batch).item(), rel=1e-5)


def test_a_window_shorter_than_a_label_has_no_answer():
    tokenizer = letters(TEXT)
    assert not AnswersCountMore(tokenizer, REPLIES, 4.0).answers(torch.zeros(2, 2, dtype=torch.long)).any()
