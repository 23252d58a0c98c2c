"""What the Start page is made of. Nothing here may load torch: it is the first page."""

import streamlit as st

from gptlab.config import ModelConfig
from gptlab.model.counting import count_albert_encoder, count_parameters
from gptlab.presets import ARCHITECTURES
from gptlab.runs.store import readable_runs
from gptlab.ui import pick, show
from gptlab.words import _


def steps() -> None:
    """The way through the lab, a card a step."""
    cards = [
        ("pretrain/train", _("1 · Train"), _("Give it a text and watch the loss fall and noise become words."), _("Open Train")),
        ("pretrain/generate", _("2 · Let it write"), _("Step through its next-token distribution, at any moment of its training."),
         _("Open Generate")),
        ("inside/attention", _("3 · Look inside"), _("Open its heads, switch them off, ask each layer what it "
                                                     "believes."), _("Open Attention")),
        ("transfer/fine_tuning", _("4 · Transfer"), _("Give it a few labels: what is pretraining worth, and which "
                                                      "layers?"), _("Open Fine-tuning")),
        ("shots/few_shot", _("5 · Ask it"), _("Show examples in the prompt instead of training, and compare."), _("Open Show or train")),
        ("library/runs", _("6 · Compare and keep"), _("Every run is kept with its settings; export one for transformers."), _("Open Runs")),
    ]  # fmt: skip
    for row in (cards[:3], cards[3:]):
        for column, (page, title, text, label) in zip(st.columns(3, gap="medium"), row, strict=True):
            with column, st.container(border=True, height="stretch"):
                st.subheader(title)
                st.markdown(text)
                st.page_link(show.page_path(page), label=label, icon=":material/arrow_forward:")


def paper_map() -> None:
    """Paper section -> what it says -> where to see it."""
    train, generate, tokenization = _("Train"), _("Generate"), _("Tokenization")
    tune, layers, matters = _("Fine-tuning"), _("Layer transfer"), _("What matters")
    rows = [
        ("GPT-1, 3.1", _("A decoder learns to say the next token (equations 1 and 2)"), train),
        ("GPT-1, 4.1", _("Adam with decoupled weight decay, warm-up over 2,000 steps, cosine to zero"), train),
        ("GPT-1, 3.2", _("A few labels and one linear layer: L3 = L2 + λ L1 (equations 3 to 5)"), tune),
        ("GPT-1, 3.3", _("Every task as one or more sequences (Figure 1, right)"), tune),
        ("GPT-1, 5", _("Every transferred layer helps (Figure 2, left)"), layers),
        ("GPT-1, 5", _("Tasks are learned without labels, while it reads (Figure 2, right)"), _("While it learns")),
        ("GPT-1, 5", _("Without pretraining, without L1, with an LSTM (Table 5)"), matters),
        ("GPT-1, 4.1", _("Byte pair encoding: 40,000 merges; its code lower-cases the words first"), tokenization),
        ("GPT-2, 2.2", _("Byte pair encoding over bytes: no text is ever unknown"), tokenization),
        ("GPT-2, 2.3", _("LayerNorm moves to the front, residual weights start smaller"), train),
        ("GPT-2, 3", _("Samples with top-k; text that reads on"), generate),
        ("GPT-3, 2", _("Zero, one and few shots: demonstrations instead of updates"), _("Show or train")),
        (
            "GPT-3, 2.1",
            _("GPT-2's model in eight sizes, every other layer with sparse attention (not built here); loss falls smoothly with size"),
            train,
        ),
        ("ALBERT, 3.1", _("Shared layers and a factorised embedding: fewer parameters, the same computing"), train),
    ]
    show.table([_("Paper, section"), _("What it says"), _("Page")], rows)


def latest_runs() -> None:
    runs = readable_runs()[:5]
    if not runs:
        st.markdown(_("None yet. The first one is a click away."))
    for run in runs:
        st.page_link(
            show.page_path("pretrain/train"), label=f"{pick.run_label(run)} · {pick.state_word(run.status().state)}",
            query_params={"run": run.id}, icon=":material/show_chart:",
        )  # fmt: skip


def sizes() -> None:
    """Exact parameter counts beside the printed ones, from the shapes. Sources: GPT-1 and GPT-2 section 2, ALBERT Table 1."""
    gpt1 = ModelConfig(vocab_size=40_478, block_size=512, n_layer=12, n_head=12, n_embd=768, **ARCHITECTURES["gpt1"])
    rows: list[tuple[str, str, int]] = [("GPT-1", "-", count_parameters(gpt1).total)]
    for name, printed, n_layer, n_head, n_embd in (
        ("GPT-2 small", "117M", 12, 12, 768),
        ("GPT-2 medium", "345M", 24, 16, 1024),
        ("GPT-2 large", "762M", 36, 20, 1280),
        ("GPT-2 XL", "1542M", 48, 25, 1600),
    ):
        config = ModelConfig(vocab_size=50_257, block_size=1024, n_layer=n_layer, n_head=n_head, n_embd=n_embd)
        rows.append((name, printed, count_parameters(config).total))
    rows.append(("ALBERT base", "12M", count_albert_encoder(hidden=768, n_layer=12)))
    show.table([_("model"), _("printed"), _("exact parameters")], [(name, printed, f"{total:,}") for name, printed, total in rows])
