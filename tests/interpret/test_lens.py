import numpy as np
import torch

from gptlab.interpret.lens import cosines, embeddings, logit_lens, neighbours, plane, position_embeddings, token_losses

IDS = [3, 1, 4, 1, 5, 9, 2, 6]


def test_the_last_layer_says_what_the_model_says(model):
    found = logit_lens(model, IDS, k=4)
    p = model(torch.tensor([IDS]))[0].softmax(-1)
    values, indices = p.topk(4)
    assert np.allclose(found.top[-1], values.numpy(), atol=1e-6) and (found.top_ids[-1] == indices.numpy()).all()
    assert found.top.shape == (4, 8, 4) and np.allclose(found.true[-1], p[:-1].gather(1, torch.tensor(IDS[1:])[:, None])[:, 0], atol=1e-6)


def test_every_row_is_the_model_up_to_there(model):
    """The rank counts what is likelier."""
    found, x = logit_lens(model, IDS, k=4), model.embed(torch.tensor([IDS]))
    for layer in range(4):
        p = model.logits(model.final_norm(x))[0].softmax(-1)
        values, indices = p.topk(4)
        assert np.allclose(found.top[layer], values.numpy(), atol=1e-6) and (found.top_ids[layer] == indices.numpy()).all()
        right = [p[t, IDS[t + 1]].item() for t in range(7)]
        assert np.allclose(found.true[layer], right, atol=1e-6)
        assert found.rank[layer].tolist() == [sorted(p[t].tolist(), reverse=True).index(right[t]) + 1 for t in range(7)]
        if layer < 3:
            x = model.block(x, layer)


def test_losses_are_minus_log_probabilities(model):
    found = token_losses(model, IDS, k=3)
    log_p = model(torch.tensor([IDS]))[0].log_softmax(-1)
    assert np.allclose(found.nats, [-log_p[t, IDS[t + 1]].item() for t in range(7)], atol=1e-5) and found.top.shape == (7, 3)


def test_neighbours_point_in_the_same_direction():
    vectors = np.array([[1.0, 0], [2, 0.1], [0, 1], [-1, 0]])
    assert [i for i, _cosine in neighbours(vectors, 0, 3)] == [1, 2, 3]
    assert np.isclose(neighbours(vectors, 0, 3)[-1][1], -1)


def test_every_place_has_a_vector_of_its_own(model):
    vectors = position_embeddings(model)
    found = cosines(vectors)
    assert vectors.shape == model.position_embedding.weight.shape and np.allclose(np.diagonal(found), 1, atol=1e-5)
    near = dict(neighbours(vectors, 3, k=47))
    assert np.allclose([near[i] for i in range(48) if i != 3], np.delete(found[3], 3), atol=1e-5)


def test_the_plane_keeps_the_largest_differences(model):
    points, shares = plane(np.array([[0.0, 0, 0], [4, 0, 0], [0, 2, 0], [4, 2, 0.1]]))
    assert np.isclose(np.ptp(points[:, 0]), 4, atol=0.1) and shares[0] > shares[1] > 0.1 and sum(shares) > 0.99
    assert embeddings(model).shape[0] == 40
