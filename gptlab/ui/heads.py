"""The views of the Heads page."""

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.errors import LabError
from gptlab.evaluation.task import WEIGHED
from gptlab.evaluation.tasks import VILLAGE
from gptlab.experiment import Induction
from gptlab.figures import inside as figures
from gptlab.runs.store import Run
from gptlab.ui import cached, cached_inside, inside, launch, link, live, pick, show, state, task
from gptlab.ui.inside import Subject
from gptlab.ui.tuning import metric_name
from gptlab.words import _


def kind_name(kind: str) -> str:
    return {
        "previous": _("previous token"), "first": _("first token"), "duplicate": _("same token before"), "induction": _("induction"),
        "entropy": _("entropy"), "": "",
    }[kind]  # fmt: skip


def kinds() -> None:
    """A score for every head, beside what random weights reach."""
    subject = inside.choose(with_text=False)
    if subject is None:
        return
    names = ["previous", "first", "duplicate", "induction", "entropy"]
    score = link.segments(_("Score"), names, "previous", kind_name, "head_score")
    with st.spinner(_("Reading random tokens ...")):
        found = cached_inside.kinds(subject.run.id, subject.step)
    values, random = getattr(found.scores, score), found.random[score]
    short = [[kind_name(label) if label == score else "" for label in row] for row in found.labels]
    left, right = st.columns([3, 2], gap="large")
    with left:
        show.figure(
            figures.head_map_figure(values, kind_name(score), names=short), key="kinds", table=lambda: kinds_table(found, values.shape)
        )
    with right:
        st.markdown(definition(score))
        show.numbers([
            (_("this model, highest"), f"{values.max():.2f}", ""), (_("random weights, highest"), f"{random.highest:.2f}", ""),
            (_("random weights, mean"), f"{random.mean:.2f}", ""),
        ])  # fmt: skip
        counted = {
            kind: sum(label == kind for row in found.labels for label in row) for kind in ("induction", "previous", "first", "duplicate")
        }
        st.markdown("\n".join(f"- {kind_name(kind)}: **{n}**" for kind, n in counted.items()))
        st.caption(
            _("Of {n} heads. A head is named only if a score is more than {margin} above the highest head of three models of the "
              "same shape with random weights. Measured on 8 sequences of random tokens, each said twice.").format(
                n=values.size, margin=found.margin)
        )  # fmt: skip


def kinds_table(found: cached_inside.Kinds, shape: tuple[int, int]) -> pd.DataFrame:
    rows = []
    for layer in range(shape[0]):
        for head in range(shape[1]):
            scores = {
                name: float(getattr(found.scores, name)[layer, head]) for name in ("previous", "first", "duplicate", "induction", "entropy")
            }
            rows.append({"layer": layer, "head": head, **scores, "label": found.labels[layer][head]})
    return pd.DataFrame(rows)


def definition(score: str) -> str:
    """What a score is, in words."""
    return {
        "previous": _("**Previous token.** Mean attention to the token just before."),
        "first": _("**First token.** Mean attention to the first token: often a place to rest where there is nothing to find."),
        "duplicate": _("**Same token before.** When a token is said again: attention to where it was said first."),
        "induction": _("**Induction.** When *A B ... A* was read: attention to *B*, which came after the first *A*. Such a head can "
                       "say what comes next by looking it up in the context."),
        "entropy": _("**Entropy.** How spread the attention is: 0 looks at one token, 1 at all alike."),
    }[score]  # fmt: skip


def ablation() -> None:
    """Parts switched off, and a map of what each head is worth."""
    subject = inside.choose()
    if subject is None:
        return
    shape = subject.shape
    heads = [f"{layer}.{head}" for layer in range(shape.n_layer) for head in range(shape.n_head)]
    left, middle, right = st.columns([4, 3, 3], gap="medium", vertical_alignment="bottom")
    with left:
        off = link.several(_("Heads switched off (layer.head)"), heads, str, "heads_off", default=(heads[0],))
    with middle:
        mlps = link.several(_("MLPs switched off (layer)"), [str(i) for i in range(shape.n_layer)], str, "mlps_off")
    with right:
        how = link.segments(
            _("How"), ["zero", "mean"], "zero", lambda name: {"zero": _("zero"), "mean": _("mean over the text")}[name], "how",
            help=_("Zero takes the output away; the mean keeps what it says on average, and takes away what it says about this token."),
        )  # fmt: skip
    cut = tuple((int(a), int(b)) for a, b in (name.split(".") for name in off))
    found = cached_inside.without(subject.run.id, subject.step, subject.text, cut, tuple(map(int, mlps)), how)
    one, two = st.columns([2, 3], gap="large")
    with one:
        st.markdown(_("**Loss of this text**"))
        if len(found.tokens) == 1:
            st.info(_("A single token has no loss: the first one is never predicted. Write a sentence."))
        else:
            show.numbers([
                (_("whole model"), f"{found.whole_nats:.3f}", _("nats per token")),
                (_("without these"), f"{found.without_nats:.3f}", f"{found.without_nats - found.whole_nats:+.3f}"),
            ])  # fmt: skip
    with two:
        st.markdown(_("**What comes next**"))
        rows = [(label, f"{a:.3f}", f"{b:.3f}") for label, a, b in zip(found.next_labels, found.whole, found.without, strict=True)]
        show.table([_("Token"), _("whole model"), _("without these")], rows)
    on_a_task(subject, cut, tuple(map(int, mlps)), how)
    st.subheader(_("What is each head worth, alone?"))
    if not st.toggle(_("Compute the map"), key="ablation_map", bind="query-params", value=True):
        return
    with st.spinner(_("Switching off one head after the other ...")):
        mapped, n = cached_inside.ablation_map(subject.run.id, subject.step, long_text(subject), how)
    show.figure(
        figures.head_map_figure(mapped.heads, _("loss added"), error=1.96 * mapped.heads_error, centred=True, digits=3), key="ablations"
    )
    worth = "  ".join(f"{layer}: {value:+.3f}" for layer, value in enumerate(mapped.mlps))
    st.caption(
        _("Nats per token that the loss rises by when one head is switched off, on {n} tokens that stand in no training text; 95 % "
          "interval over windows at the mouse. Whole model {nats}. MLPs alone, by layer: {worth}.").format(
            n=f"{n:,}", nats=f"{mapped.whole_nats:.3f}", worth=worth)
    )  # fmt: skip


N_TESTED = 200
"""Test examples of a score. Chosen here: a second or two, and intervals of seven points at most."""


def on_a_task(subject: Subject, heads: tuple[tuple[int, int], ...], mlps: tuple[int, ...], how: str) -> None:
    """A task of the village, answered without training by the whole model and without these parts."""
    names = ["", *(name for name, about in VILLAGE.items() if about.rule in WEIGHED)]
    left, right = st.columns([2, 3], gap="large")
    with left:
        default = f"closed-{state.language()}" if subject.run.is_shipped else ""
        name = link.select(
            _("A task, without training"), names, default, lambda n: task.village_title(n) if n else _("none"), "ablated_task"
        )
    if not name:
        return
    with right:
        try:
            with st.spinner(_("Asking with and without ...")):
                found = cached_inside.tested(subject.run.id, subject.step, subject.text, heads, mlps, how, name, N_TESTED)
        except LabError as problem:
            show.error(problem)
            return
        show.numbers([
            (_("whole model"), f"{found.whole.value:.2f}", f"[{found.whole.low:.2f}, {found.whole.high:.2f}]"),
            (_("without these"), f"{found.without.value:.2f}", f"[{found.without.low:.2f}, {found.without.high:.2f}]"),
            (_("guessing"), f"{found.guessing:.2f}", ""),
        ])  # fmt: skip
    st.caption(
        _("{metric} on {n} test examples, the same for both; in brackets the 95 % interval over them.").format(
            metric=metric_name(found.whole.metric), n=found.n)
    )  # fmt: skip


def long_text(subject: Subject) -> str:
    """About two thousand tokens: the village for a model that ships, held-out text for one's own."""
    if subject.run.is_shipped:
        from gptlab.data.village.documents import Village
        from gptlab.ui import cached_village

        return cached_village.text(Village((state.language(),), seed=987_654, demonstrations=0.0), 0.02)
    return cached.validation_text(subject.run.id)


def patching() -> None:
    """Where the model keeps who has what."""
    subject = inside.choose(with_text=False)
    if subject is None:
        return
    korean = state.language() == "ko"
    defaults = (
        ("민호는 정원에 있었다. 소희는 민호를 보러", "민호는 부엌에 있었다. 소희는 민호를 보러", " 정원으로", " 부엌으로") if korean else
        ("Minho was in the garden. Sohui walked to the", "Minho was in the kitchen. Sohui walked to the", " garden", " kitchen")
    )  # fmt: skip
    left, right = st.columns(2, gap="medium")
    suffix = state.language()
    counts = _("Only its first token is compared. A word that goes on after a space begins with that space.")
    with left:
        clean = link.text(_("Clean prompt"), defaults[0], f"clean_{suffix}", height=80)
        answer = st.text_input(_("Its answer"), defaults[2], key=f"answer_{suffix}", help=counts)
    with right:
        corrupted = link.text(_("Corrupted prompt (equally many tokens)"), defaults[1], f"corrupted_{suffix}", height=80)
        other = st.text_input(_("Its answer"), defaults[3], key=f"other_{suffix}", help=counts)
    with st.spinner(_("Patching one place after the other ...")):
        found, tokens, compared = cached_inside.patched(subject.run.id, subject.step, clean, corrupted, answer, other)
    one, two = map(cached.as_written, compared)
    show.figure(figures.restored_figure(found.restored, tokens), key="restored")
    st.caption(
        _("Into the run on the corrupted prompt, the residual stream of the clean one is put at one place at a time. 1: the clean "
          "answer is back; 0: nothing changed. Logit of {one} minus that of {other}: clean {clean}, corrupted {corrupted}.").format(
            one=one, other=two, clean=f"{found.clean:+.2f}", corrupted=f"{found.corrupted:+.2f}")
    )  # fmt: skip
    if found.clean <= 0:
        st.warning(_("The model does not prefer the clean answer on the clean prompt: there is no fact to be found here."))
    elif found.clean <= found.corrupted:
        st.warning(_("The clean answer is no likelier on the clean prompt than on the corrupted one: there is nothing to restore."))


def induction() -> None:
    """Watch induction heads come into being."""
    st.markdown(
        _("Two layers of attention, nothing else, learn random tokens that are said twice. The first time nobody can know them. The "
          "second time somebody who looks back can. Watch the moment at which the model begins to.")
    )  # fmt: skip
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    with left:
        seed = int(st.number_input(_("Seed"), 1, 1000, 1, key="induction_seed", bind="query-params"))
    with right:
        st.button(_("Train it"), type="primary", icon=":material/play_arrow:", key="induce", on_click=start_induction, args=(seed,))
    run = pick.run_of_sort(_("Run"), "induction")
    if run is None:
        return
    status = run.status()
    state.seen_states()[run.id] = status.state
    st.fragment(run_every=live.tick(status))(_draw_induction)(run)


def start_induction(seed: int) -> None:
    """Put the lesson into the queue; the callback of the button."""
    from gptlab.runs.inducing import induction_config

    title = _("Induction, seed {seed}").format(seed=seed)
    launch.queued(lambda: induction_config(Induction(seed=seed), launch.device(), title), "induction")


def _draw_induction(run: Run) -> None:
    with show.mistakes():
        status = run.status()
        if status.state != state.seen_states().get(run.id):
            st.rerun()
        live.wait_for_worker(run, status)
        live.progress(run, status)
        looks = list(cached.curve(run.id).induced)
        if not looks:
            return
        columns = [np.array([getattr(look, name) for look in looks]) for name in ("step", "first_nats", "second_nats", "score")]
        show.figure(
            figures.induction_figure(*columns), key="induction",
            table=lambda: pd.DataFrame(dict(zip(("step", "first_nats", "second_nats", "induction_score"), columns, strict=True))),
        )  # fmt: skip
        st.caption(
            _("64 sequences of 64 random tokens that it never learns from; each begins again after 16 to 47 tokens. Guessing costs "
              "ln 64 = 4.16 "
              "nats. The score is the highest of 8 heads, on sequences of 24 tokens said twice. One training, seed {seed}.").format(
                seed=run.config().induction.seed)  # type: ignore[union-attr]
        )  # fmt: skip
        if status.state == "finished":
            st.page_link(
                show.page_path("inside/attention"), label=_("Look at its heads"), icon=":material/arrow_forward:",
                query_params={"model": run.id, "attention_view": "matrix"},
            )  # fmt: skip
