"""GPT-1's Figure 2 (left): how much of the pretrained model has to be handed over. For each number of layers, from nothing over the
embeddings to all, a model starts from so much of the pretrained weights, is fine-tuned as a whole, and is tested.
"""

from gptlab.experiment import FineTuning, Study


def depths(n_layer: int) -> list[int]:
    """All numbers of layers that can be handed over, the most telling first: none, all, the embeddings, then halves between.

    >>> depths(4)
    [-1, 4, 0, 2, 1, 3]
    """
    found = [-1, n_layer, 0]
    gaps = [(0, n_layer)]
    while gaps:
        low, high = gaps.pop(0)
        middle = (low + high) // 2
        if middle not in found:
            found.append(middle)
            gaps += [(low, middle), (middle, high)]
    return found


def layer_study(plan: FineTuning, n_layer: int, n_seeds: int) -> Study:
    """The study of the figure: one arm for every number of layers."""
    arms = [plan.with_(transfer=plan.transfer.with_(n_layers_taken=n)) for n in depths(n_layer)]
    return Study(kind="layers", arms=arms, n_seeds=n_seeds)
