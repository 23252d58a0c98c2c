"""BertViz without a network: its HTML with the scripts put in, cut to three digits, safe for any token.

BertViz 1.4.1 loads three scripts from elsewhere, sends its numbers twice, and a token with `</script>` ends its script. Each is mended
here; the version is pinned, and tests hold what is relied on.
"""

import json
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gptlab.errors import LabError

REQUIRE_TAG = re.compile(r'<script src="https://cdnjs\.cloudflare\.com/[^"]*require[^"]*"></script>')

SHIM = "<script>window.require={config:function(){}};window.requirejs=function(deps,fn){fn(window.jQuery,window.d3)};</script>"
"""Takes the place of require.js: both libraries are there already."""

COMMENT = re.compile(r"// HACK: PYTHON_PARAMS[^\n]*|// HACK:[^\n]*is a template marker[^\n]*")

MOST_LINES = 200_000
"""Lines of attention that the model view may draw: layers x heads x half of the tokens squared. More freeze a browser for ten seconds."""

MOST_HEAD_TOKENS, MOST_NEURON_TOKENS = 64, 64


def head_view(patterns: np.ndarray, tokens: list[str], layer: int, dark: bool) -> str:
    """All heads of a layer as lines between two columns of tokens; (L, H, T, T).

    Raises:
        LabError: too many tokens to be drawn.
    """
    if len(tokens) > MOST_HEAD_TOKENS:
        raise LabError(
            "The head view draws up to {most} tokens; the text has {n}. Shorten it, or use the matrix view.",
            most=MOST_HEAD_TOKENS, n=len(tokens),
        )  # fmt: skip
    from bertviz import head_view as view

    return _document(view(_tensors(patterns), tokens, prettify_tokens=False, layer=layer, html_action="return").data, dark)


def model_view(patterns: np.ndarray, tokens: list[str], dark: bool) -> str:
    """All heads of all layers as thumbnails.

    Raises:
        LabError: too many lines to be drawn.
    """
    L, H, T, _T = patterns.shape
    if (lines := L * H * T * (T + 1) // 2) > MOST_LINES:
        fits = int((2 * MOST_LINES / (L * H)) ** 0.5)
        raise LabError(
            "The model view would draw {n} lines; a browser bears {most}. With {layers} layers of {heads} heads the text may have {fits} "
            "tokens; it has {given}. Shorten it, or use the matrix view.",
            n=f"{lines:,}", most=f"{MOST_LINES:,}", layers=L, heads=H, fits=fits, given=T,
        )  # fmt: skip
    from bertviz import model_view as view

    shown = view(_tensors(patterns), tokens, prettify_tokens=False, display_mode="dark" if dark else "light", html_action="return")
    return _document(shown.data, dark)


def neuron_view(
    patterns: np.ndarray, queries: np.ndarray, keys: np.ndarray, tokens: list[str], layer: int, head: int, dark: bool
) -> str:
    """How queries and keys make the attention of one head, channel by channel.

    Raises:
        LabError: too many tokens to be drawn.
    """
    if len(tokens) > MOST_NEURON_TOKENS:
        raise LabError(
            "The neuron view draws up to {most} tokens; the text has {n}. Shorten it, or use the matrix view.",
            most=MOST_NEURON_TOKENS, n=len(tokens),
        )  # fmt: skip
    import torch
    from bertviz.neuron_view import show

    parts = [
        {name: torch.from_numpy(values[i : i + 1]).double() for name, values in (("attn", patterns), ("queries", queries), ("keys", keys))}
        for i in range(len(patterns))
    ]
    mode = "dark" if dark else "light"
    shown = show(_Captured(parts), "gpt2", _Cut(tokens), "text", display_mode=mode, layer=layer, head=head, html_action="return")
    return _document(shown.data, dark)


class _Captured:
    """A model for BertViz that has been run already."""

    def __init__(self, parts: list[dict[str, Any]]) -> None:
        self.parts = parts

    def eval(self) -> None:
        """Nothing to switch."""

    def __call__(self, _ids: Any) -> list[list[dict[str, Any]]]:
        return [self.parts]


class _Cut:
    """A tokenizer for BertViz whose text is cut already."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def tokenize(self, _text: str) -> list[str]:
        return self.tokens

    def convert_tokens_to_ids(self, tokens: list[str]) -> list[int]:
        return list(range(len(tokens)))


def _tensors(patterns: np.ndarray) -> list[Any]:
    """One (1, H, T, T) tensor a layer; three digits are what a line's shade can show."""
    import torch

    return [torch.from_numpy(layer[None]).double().round(decimals=3) for layer in patterns]


@cache
def _scripts() -> str:
    """d3 and jQuery from installed packages, which are found and not imported."""
    def file(package: str, *parts: str) -> str:
        spec = find_spec(package)
        assert spec is not None and spec.submodule_search_locations is not None
        return Path(next(iter(spec.submodule_search_locations))).joinpath(*parts).read_text(encoding="utf-8")

    d3, jquery = file("mpld3", "js", "d3.v5.min.js"), file("xstatic.pkg.jquery", "data", "jquery.min.js")
    return f"<script>{d3}</script><script>{jquery}</script>{SHIM}"


def _document(view: str, dark: bool) -> str:
    """A whole page around BertViz's HTML."""
    view = COMMENT.sub("", view)
    view = "\n".join(_safe(line) for line in view.split("\n"))
    view, n = REQUIRE_TAG.subn(lambda _found: _scripts(), view)
    assert n == 1, "BertViz's HTML has changed"
    text, ground = ("#E8EAED", "#14171A") if dark else ("#1B1F24", "#FFFFFF")
    style = (
        f"body{{margin:0;background:{ground};color:{text};font-size:15px}} svg text{{font-size:14px}} "
        + ("#vis svg text{fill:currentColor} select{background:#22272E;color:inherit}" if dark else "")
    )
    return f'<!DOCTYPE html><html><head><meta charset="utf-8"><style>{style}</style></head><body>{view}</body></html>'


def _safe(line: str) -> str:
    """The line that carries the numbers and tokens, with no `<` that could end the script; neuron view's numbers rounded."""
    if "window.bertviz_params = " in line:
        before, marker, rest = line.partition("window.bertviz_params = ")
        return before + marker + json.dumps(_rounded(json.loads(rest))).replace("<", "\\u003c")
    return line.replace("<", "\\u003c") if "const params = {" in line else line


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return {name: _rounded(entry) for name, entry in value.items()} if isinstance(value, dict) else value
