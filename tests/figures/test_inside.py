import numpy as np
import pytest

from gptlab.figures.inside import attention_figure


@pytest.mark.parametrize("narrow", [False, True])
def test_a_narrow_matrix_names_the_queries_alone(narrow):
    layout = attention_figure(np.eye(3), ["a", "b", "c"], narrow=narrow).layout
    assert layout.xaxis.showticklabels is not narrow and layout.yaxis.showticklabels is not False
