from dataclasses import replace

import numpy as np
import pytest
import torch

from gptlab.config import LSTMConfig
from gptlab.errors import DataError
from gptlab.evaluation import likelihood
from gptlab.evaluation.likelihood import likelihoods
from gptlab.evaluation.scoring import BEGIN, zero_shot
from gptlab.evaluation.shots import Prompting, answer, demonstrations, most_that_fit, prompt_of
from gptlab.evaluation.task import Example, Task
from gptlab.evaluation.tasks import task_named
from gptlab.model.build import build_model


def plainly(model, ids: list[int], n: int) -> np.ndarray:
    """Log-probabilities of the last n tokens, one text at a time."""
    with torch.inference_mode():
        logits = model(torch.tensor([ids]))[0]
    return logits.log_softmax(-1)[torch.arange(len(ids) - n - 1, len(ids) - 1), ids[-n:]].numpy()


@pytest.mark.parametrize("n_prefix", [0, 9])
def test_answers_side_by_side_are_as_likely_as_alone(model, monkeypatch, n_prefix):
    """Different lengths everywhere, several batches, padded rows."""
    monkeypatch.setattr(likelihood, "BATCH_TOKENS", 60)
    rng = np.random.default_rng(1)

    def some(n: int) -> list[int]:
        return rng.integers(0, model.config.vocab_size, n).tolist()

    prefix, questions = some(n_prefix), [some(n) for n in (3, 11, 7, 20, 1)]
    answers = [[some(m) for m in row] for row in ((1, 1), (1, 4, 2), (3,), (2, 2, 2, 5), (1, 6))]
    for question, row, found in zip(questions, answers, likelihoods(model, prefix, questions, answers), strict=True):
        for tokens, nats in zip(row, found, strict=True):
            assert np.allclose(nats, plainly(model, [*prefix, *question, *tokens], len(tokens)), atol=2e-5)


def test_no_demonstration_is_the_zero_shot_score(model, tokenizer):
    task = task_named("closed-en")
    examples = task.examples("validation")[:12]
    found = answer(model, tokenizer, task, examples, Prompting())
    assert found.chosen == zero_shot(model, tokenizer, task, examples).chosen


def test_the_prompt_is_read_word_for_word(model, tokenizer):
    """The literal text in one piece gives the same numbers."""
    task = task_named("closed-ko")
    example, how = task.examples("validation")[0], Prompting(k=2, seed=3, instruction="무엇일까?")
    before, question = prompt_of(task, example, how)
    assert before.startswith("무엇일까?\n\n") and question == "\n\n" + example.prompt
    assert all(one.prompt + one.choices[one.label] in before for one in demonstrations(task, 2, 3))
    found = answer(model, tokenizer, task, [example], how)
    for choice, nats in zip(example.choices, found.nats[0], strict=True):
        ids = tokenizer.encode(BEGIN + before + question + choice).tolist()
        assert np.isclose(nats, plainly(model, ids, len(tokenizer.encode(choice))).sum(), atol=1e-4)


def test_rules_are_shown_by_pairs_of_the_same_rule(tokenizer):
    task = task_named("rules-en")
    for sort in ("kind", "plural"):
        assert {example.sort for example in demonstrations(task, 3, 1, sort)} == {sort}
    example = task.examples("validation")[0]
    before, question = prompt_of(task, example, Prompting(k=3))
    assert before.count("\n") == 2 and question == "\n" + example.prompt


def test_seeds_choose_other_demonstrations_and_orders():
    task = task_named("choice-en")
    one, again, other = (demonstrations(task, 4, seed) for seed in (1, 1, 2))
    assert one == again != other
    held_out = {example.prompt for split in ("validation", "test") for example in task.examples(split)}
    assert not held_out & {example.prompt for example in one}


def test_rules_of_scoring(model, tokenizer):
    task = Task("t", "en", "choice", "sum", "accuracy", (), "1", lambda split: ())
    example = Example(("Who?",), "Who was it?\nAnswer:", (" Mina", " Mina was in the garden"), 0)
    found = {rule: answer(model, tokenizer, task, [example], Prompting(rule=rule)) for rule in ("sum", "mean", "unconditional")}
    lengths = [len(tokenizer.encode(choice)) for choice in example.choices]
    assert np.allclose(found["mean"].scores[0], np.array(found["sum"].nats[0]) / lengths, atol=1e-5)
    cue = tokenizer.encode(BEGIN + "Answer:").tolist()
    pairs = zip(example.choices, lengths, strict=True)
    alone = [plainly(model, [*cue, *tokenizer.encode(choice).tolist()], n).sum() for choice, n in pairs]
    assert np.allclose(found["unconditional"].scores[0], np.array(found["sum"].nats[0]) - alone, atol=1e-4)


def test_what_fits_is_counted(model, tokenizer):
    task = task_named("closed-en")
    examples = task.examples("validation")[:8]
    most = most_that_fit(model, tokenizer, task, examples, Prompting())
    assert most > 3
    answer(model, tokenizer, task, examples, Prompting(k=most))
    with pytest.raises(DataError, match=f"{most + 1} demonstrations take .* Show fewer"):
        answer(model, tokenizer, task, examples, Prompting(k=most + 1))


def test_the_longest_question_is_the_one_with_the_most_tokens(model, tokenizer):
    task = task_named("closed-en")
    plain = task.examples("validation")[0]
    rare = replace(plain, prompt="¿" * (len(plain.prompt) - 1))
    most = most_that_fit(model, tokenizer, task, [plain, rare], Prompting())
    assert most == most_that_fit(model, tokenizer, task, [rare], Prompting()) < most_that_fit(model, tokenizer, task, [plain], Prompting())
    answer(model, tokenizer, task, [plain, rare], Prompting(k=most))


def test_what_cannot_be_asked_is_told(model, tokenizer):
    task = task_named("closed-en")
    good = task.examples("validation")[0]
    for wrong, says in (
        (Example(good.texts, good.prompt, ("", " a bird")), "empty"), (Example(good.texts, " ", good.choices), "question is empty"),
        (Example(good.texts, good.prompt), "no choices"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=says):
            answer(model, tokenizer, task, [wrong], Prompting())
    with pytest.raises(DataError, match="no rule"):
        answer(model, tokenizer, task, [good], Prompting(rule="best"))
    with pytest.raises(DataError, match="no words"):
        demonstrations(task_named("acceptability-en"), 1, 1)
    with pytest.raises(DataError, match="asked for"):
        demonstrations(task, 10_000, 1)


def test_a_model_without_branches_gives_the_same_zero_shot(tokenizer):
    """An LSTM reads every answer behind its own question."""
    model = build_model(LSTMConfig(vocab_size=tokenizer.vocab_size, block_size=256, n_embd=16, n_hidden=16), seed=1).eval()
    task = task_named("closed-en")
    examples = task.examples("validation")[:6]
    found = zero_shot(model, tokenizer, task, examples)
    for example, chosen in zip(examples, found.chosen, strict=True):
        sums = []
        for choice in example.choices:
            ids = tokenizer.encode(BEGIN + example.prompt).tolist() + tokenizer.encode(choice).tolist()
            sums.append(plainly(model, ids, len(tokenizer.encode(choice))).sum())
        assert chosen == int(np.argmax(sums))


def test_transformers_gives_the_same_answers(model, tokenizer, tmp_path):
    """Exported, and scored by plain code of an independent implementation: log-probabilities within 1e-4, the same accuracy."""
    from transformers import AutoModelForCausalLM

    from gptlab.model.interop import write_directory

    write_directory(model, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    task, how = task_named("closed-en"), Prompting(k=3, seed=2)
    examples = task.examples("validation")[:6]
    found = answer(model, tokenizer, task, examples, how)
    for example, ours, chosen in zip(examples, found.nats, found.chosen, strict=True):
        sums = []
        for choice in example.choices:
            before, question = prompt_of(task, example, how)
            ids, n = tokenizer.encode(BEGIN + before + question + choice).tolist(), len(tokenizer.encode(choice))
            with torch.inference_mode():
                log_p = theirs(torch.tensor([ids])).logits[0].log_softmax(-1)
            sums.append(float(log_p[torch.arange(len(ids) - n - 1, len(ids) - 1), ids[-n:]].sum()))
        assert np.allclose(ours, sums, atol=1e-4) and chosen == int(np.argmax(sums))
