"""What each layer would say if it were the last (the logit lens; nostalgebraist 2020), losses token by token, and embeddings as a map."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gptlab.model.gpt import GPT
from gptlab.model.trace import Trace


@dataclass(frozen=True)
class Lens:
    """The model's head on the residual stream between the blocks; row 0 is the embedding, row L the output.

    Args:
        top_ids, top: (L + 1, T, k) likeliest next tokens and their probabilities.
        rank: (L + 1, T - 1) place of the true next token, 1 for the likeliest.
        true: (L + 1, T - 1) its probability.
    """

    top_ids: np.ndarray
    top: np.ndarray
    rank: np.ndarray
    true: np.ndarray


@torch.inference_mode()
def logit_lens(model: GPT, ids: Sequence[int], k: int = 5) -> Lens:
    """
    Raises:
        ModelError: more tokens than the model's context.
    """
    tokens = torch.tensor([list(ids)], device=model.token_embedding.weight.device)
    trace = Trace()
    model.hidden(tokens, trace)
    top_ids, top, ranks, trues = [], [], [], []
    for layer in range(model.config.n_layer + 1):
        p = model.logits(model.final_norm(trace.residual[layer]))[0].float().softmax(-1)  # (T, V)
        values, indices = p.topk(min(k, p.shape[1]))
        right = p[:-1].gather(1, tokens[0, 1:, None])  # (T - 1, 1)
        top_ids.append(indices.cpu().numpy())
        top.append(values.cpu().numpy())
        ranks.append(((p[:-1] > right).sum(1) + 1).cpu().numpy())
        trues.append(right[:, 0].cpu().numpy())
    return Lens(np.stack(top_ids), np.stack(top), np.stack(ranks), np.stack(trues))


@dataclass(frozen=True)
class TokenLosses:
    """How surprised the model is by each token after the first.

    Args:
        nats: (T - 1,)
        top_ids, top: (T - 1, k) what it expected instead, and how much.
    """

    nats: np.ndarray
    top_ids: np.ndarray
    top: np.ndarray


@torch.inference_mode()
def token_losses(model: GPT, ids: Sequence[int], k: int = 5) -> TokenLosses:
    """
    Raises:
        ModelError: more tokens than the model's context.
    """
    tokens = torch.tensor([list(ids)], device=model.token_embedding.weight.device)
    log_p = model(tokens)[0, :-1].float().log_softmax(-1)  # (T - 1, V)
    values, indices = log_p.topk(min(k, log_p.shape[1]))
    nats = -log_p.gather(1, tokens[0, 1:, None])[:, 0]
    return TokenLosses(nats.cpu().numpy(), indices.cpu().numpy(), values.exp().cpu().numpy())


def embeddings(model: GPT) -> np.ndarray:
    """Vectors of all tokens, (V, C)."""
    return model.token_embedding.weight.detach().float().cpu().numpy()


def position_embeddings(model: GPT) -> np.ndarray:
    """Vectors of all places of the context, (block_size, C)."""
    return model.position_embedding.weight.detach().float().cpu().numpy()


def _unit(vectors: np.ndarray) -> np.ndarray:
    """The same directions, (n, C), all of length 1."""
    found: np.ndarray = vectors / np.maximum(1e-9, np.linalg.norm(vectors, axis=1, keepdims=True))
    return found


def cosines(vectors: np.ndarray) -> np.ndarray:
    """Of every vector with every other one, (n, C) -> (n, n)."""
    unit = _unit(vectors)
    found: np.ndarray = unit @ unit.T
    return found


def neighbours(vectors: np.ndarray, i: int, k: int = 12) -> list[tuple[int, float]]:
    """The vectors nearest to one by cosine, itself left out: (index, cosine)."""
    unit = _unit(vectors)
    cosine = unit @ unit[i]
    order = [int(j) for j in np.argsort(-cosine, kind="stable") if j != i]
    return [(j, float(cosine[j])) for j in order[:k]]


def plane(vectors: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """The two directions in which vectors differ most (PCA): coordinates (n, 2), and the shares of the variance."""
    centred = vectors - vectors.mean(0)
    u, s, _v = np.linalg.svd(centred, full_matrices=False)
    share = s**2 / max(1e-12, float((s**2).sum()))
    return u[:, :2] * s[:2], (float(share[0]), float(share[1]))
