import ast
import pickle
import string
from pathlib import Path

import pytest

import gptlab
from gptlab import errors
from gptlab.errors import LabError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LabError)]
ROOT = Path(gptlab.__file__).parent


def test_error_keeps_template_and_values_apart():
    error = errors.DataError("{name!r} has {size:.1f} MB.", name="a{b}.txt", size=3)
    assert str(error) == "'a{b}.txt' has 3.0 MB."
    assert error.message == "{name!r} has {size:.1f} MB." and error.values == {"name": "a{b}.txt", "size": 3}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_error_survives_pickling(kind):
    again = pickle.loads(pickle.dumps(kind("{a} and {b}", a=1, b="둘")))
    assert type(again) is kind and str(again) == "1 and 둘" and again.values == {"a": 1, "b": "둘"}


def calls():
    """Every construction of one of our errors: file, line, call."""
    names = {kind.__name__ for kind in KINDS}
    for file in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node


def is_rebuilding(node):
    """`Kind(self.message, **self.values)`: an error that was written down is made again."""
    return isinstance(node.args[0], ast.Attribute) and node.args[0].attr == "message"


def test_every_error_has_a_literal_template_with_its_values():
    found = [(where, node) for where, node in calls() if not is_rebuilding(node)]
    assert len(found) > 60
    for where, node in found:
        assert len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str), where
        template = node.args[0].value
        places = {name.split(".")[0] for _, name, _, _ in string.Formatter().parse(template) if name is not None}
        given = {keyword.arg for keyword in node.keywords}
        assert places == given, f"{where}: places {places}, values {given}"
        assert len(template.split()) >= 4, where
