import doctest
import math

import pytest
import torch

from gptlab import generation
from gptlab.config import LSTMConfig, ModelConfig, SamplingConfig
from gptlab.errors import ModelError
from gptlab.generation import adjusted_probabilities, context_begin, generate, generate_together
from gptlab.model.build import build_model

torch.set_num_threads(1)

SHAPE = dict(vocab_size=23, block_size=12, n_layer=2, n_embd=16)
CONFIGS = {
    "post": ModelConfig(**SHAPE, n_head=2, norm_position="post"),
    "pre": ModelConfig(**SHAPE, n_head=2),
    "albert": ModelConfig(**SHAPE, n_head=2, embedding_rank=4, shared_attention_groups=1, shared_mlp_groups=1),
    "lstm": LSTMConfig(**SHAPE, n_hidden=20),
}
PLAIN = SamplingConfig(temperature=1.0, top_p=1.0)


@pytest.fixture(params=CONFIGS)
def model(request):
    """Weights much larger than fresh ones: the next token depends on all that came before."""
    model = build_model(CONFIGS[request.param], seed=2).eval()
    generator = torch.Generator().manual_seed(6)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data = 0.4 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.fixture
def gpt():
    return build_model(CONFIGS["pre"], seed=2).eval()


class Fixed:
    """A model that always says the same."""

    def __init__(self, logits):
        self._logits, self.config = torch.as_tensor(logits, dtype=torch.float32), ModelConfig(**SHAPE, n_head=2)

    def parameters(self):
        return iter([self._logits])

    def new_cache(self):
        return None

    def hidden(self, ids, cache):
        return torch.zeros(1, ids.shape[1], 1)

    def logits(self, hidden):
        return self._logits.expand(1, hidden.shape[1], -1)


def written(model, prompt, sampling=PLAIN, n_tokens=20, **more):
    return [token.id for token in generate(model, prompt, sampling, n_tokens, **more)]


@torch.no_grad()
def uncached(model, prompt, sampling, n_tokens):
    """The plain way: the whole window through the model for every token."""
    ids, found, draws = list(prompt), [], torch.Generator().manual_seed(sampling.seed)
    for _ in range(n_tokens):
        window = ids[context_begin(len(ids), model.config.block_size) :]
        logits = model(torch.tensor([window]))[0, -1]
        adjusted = adjusted_probabilities(logits, sampling)
        point, total, chosen = float(torch.rand(1, generator=draws, dtype=torch.float64)), 0.0, -1
        while total <= point and chosen < len(logits) - 1:
            chosen += 1
            total += float(adjusted[chosen].double())
        found.append((chosen, logits.softmax(-1), adjusted))
        ids.append(chosen)
    return found


def test_worked_examples_hold():
    assert doctest.testmod(generation) == doctest.TestResults(failed=0, attempted=2)


@pytest.mark.parametrize("n_prompt", [1, 11, 12, 13, 40])
def test_cached_writing_is_the_uncached_one_beyond_the_context(model, n_prompt):
    prompt = [int(i) for i in torch.randint(23, (n_prompt,), generator=torch.Generator().manual_seed(3))]
    sampling = SamplingConfig(temperature=0.9, top_k=15, top_p=0.95, seed=4)
    cached = list(generate(model, prompt, sampling, 40))
    for token, (id, probabilities, adjusted) in zip(cached, uncached(model, prompt, sampling, 40), strict=True):
        assert token.id == id
        torch.testing.assert_close(token.probabilities, probabilities, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(token.adjusted, adjusted, atol=1e-5, rtol=1e-4)


def test_window_keeps_three_quarters_and_never_exceeds_the_context():
    for block_size in (2, 3, 4, 12, 64):
        for n in range(1, 5 * block_size):
            kept = n - context_begin(n, block_size)
            assert kept == n if n <= block_size else block_size - max(1, block_size // 4) < kept <= block_size


def test_seed_decides_what_is_written(model):
    first, again = written(model, [1]), written(model, [1])
    others = [written(model, [1], SamplingConfig(temperature=1.0, top_p=1.0, seed=seed)) for seed in (2, 3, 4)]
    assert first == again and len(first) == 20 and all(first != other for other in others)
    torch.rand(5)  # the global random state plays no part
    assert written(model, [1]) == first


def test_draws_follow_the_probabilities():
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    ids = written(Fixed(logits), [0], n_tokens=4000)
    assert [ids.count(i) / 4000 for i in range(3)] == pytest.approx([0.5, 0.3, 0.2], abs=0.03)  # four standard errors


def test_ids_behind_the_tokenizers_are_never_drawn():
    """A fine-tuned model has special tokens, which may be the likeliest."""
    drawn = list(generate(Fixed(torch.tensor([0.5, 0.3, 0.2, 9.0]).log()), [0], PLAIN, 300, n_words=3))
    assert {token.id for token in drawn} == {0, 1, 2}
    assert torch.allclose(drawn[0].probabilities, torch.tensor([0.5, 0.3, 0.2]))


def test_temperature_zero_takes_the_likeliest(model):
    for token in generate(model, [1, 2], SamplingConfig(temperature=0.0), 20):
        assert token.id == int(token.probabilities.argmax())
        assert token.adjusted[token.id] == 1 and token.adjusted.sum() == 1


def test_token_without_probability_is_never_drawn(monkeypatch):
    logits = torch.tensor([-math.inf, 1.0, -math.inf, 1.0, -math.inf])
    assert set(written(Fixed(logits), [0], n_tokens=300)) == {1, 3}
    for number, id in ((0.0, 1), (1 - 1e-16, 3)):  # nor at the ends of what a random number can be
        monkeypatch.setattr(torch, "rand", lambda *_, number=number, **__: torch.tensor([number], dtype=torch.float64))
        assert written(Fixed(logits), [0], n_tokens=1) == [id]


PROBABILITIES = torch.tensor([0.1, 0.4, 0.05, 0.25, 0.2])


@pytest.mark.parametrize(
    "sampling, expected",
    [
        (dict(), [0.1, 0.4, 0.05, 0.25, 0.2]),
        (dict(top_k=1), [0, 1, 0, 0, 0]),
        (dict(top_k=3), [0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85]),
        (dict(top_k=99), [0.1, 0.4, 0.05, 0.25, 0.2]),
        (dict(top_p=0.3), [0, 1, 0, 0, 0]),
        (dict(top_p=0.6), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0]),
        (dict(top_p=0.7), [0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85]),
        (dict(top_k=2, top_p=0.6), [0, 1, 0, 0, 0]),  # of the two that top-k leaves, the first has 0.615
        (dict(temperature=0.5), [p * p / 0.275 for p in (0.1, 0.4, 0.05, 0.25, 0.2)]),
        (dict(temperature=0.5, top_p=0.55), [0, 1, 0, 0, 0]),  # temperature comes first: 0.4 has become 0.582
    ],
    ids=str,
)
def test_settings_cut_as_stated(sampling, expected):
    found = adjusted_probabilities(PROBABILITIES.log(), SamplingConfig(**dict(temperature=1.0, top_p=1.0) | sampling))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32), atol=1e-6, rtol=1e-5)


def test_equally_likely_tokens_at_the_edge_go_by_their_id():
    assert adjusted_probabilities(torch.zeros(5), SamplingConfig(temperature=1.0, top_k=2, top_p=1.0)).tolist() == [0.5, 0.5, 0, 0, 0]


def test_cutting_works_on_many_positions_at_once():
    logits = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(1))
    for sampling in (SamplingConfig(top_k=3, top_p=0.8), SamplingConfig(temperature=0.0), PLAIN):
        found, before = adjusted_probabilities(logits, sampling), logits.clone()
        for row in range(2):
            for t in range(3):
                torch.testing.assert_close(found[row, t], adjusted_probabilities(logits[row, t], sampling))
        assert torch.equal(logits, before)


def test_empty_prompt_is_refused(gpt):
    with pytest.raises(ModelError, match="The prompt is empty"):
        written(gpt, [])


def test_end_of_text_ends_the_writing_and_is_the_last_token():
    logits = torch.tensor([0.0, 0.0, 0.0])
    ids = written(Fixed(logits), [0], n_tokens=500, end_of_text=2)
    assert 2 not in ids[:-1] and ids[-1] == 2 and len(ids) < 500
    assert len(written(Fixed(logits), [0], n_tokens=500)) == 500


def test_nothing_is_written_when_nothing_is_asked_for(gpt):
    assert written(gpt, [1], n_tokens=0) == []


def test_prompt_list_is_not_changed(gpt):
    prompt = [1, 2]
    written(gpt, prompt)
    assert prompt == [1, 2]


def test_cache_feeds_each_token_once(gpt):
    lengths, hidden = [], gpt.hidden
    gpt.hidden = lambda ids, cache: (lengths.append(ids.shape[1]), hidden(ids, cache=cache))[1]
    written(gpt, [1] * 5, n_tokens=12)
    assert lengths == [5] + [1] * 7 + [10, 1, 1, 10]


def test_writing_side_by_side_is_writing_one_by_one(model):
    prompts, seeds = [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [5, 11, 5]
    told = []
    found = generate_together(model, prompts, PLAIN, seeds, lambda i, ids: told.append(i) or (i == 1 and len(ids) == 4), n_words=20)
    for i, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
        alone = [token.id for token in generate(model, prompt, PLAIN.with_(seed=seed), model.config.block_size - 3, n_words=20)]
        assert found[i] == (alone[:4] if i == 1 else alone) and max(alone) < 20
    assert told.count(1) == 4 and told.count(0) == model.config.block_size - 3
