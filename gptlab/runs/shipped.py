"""The models that ship with the app: how each is made, and where they lie.

    assets/models/<name>/       a finished run like any other, its weights in half precision
    assets/models/<name>/card.json   what it learned from, for how long, on what, and how well
    assets/studies/<name>/      fine-tunings of these models, so that a page opens with a figure; tasks.json has the versions of their tasks

They are made by `python -m gptlab build-models` and `build-studies` from the village's text, so nothing in them is anybody else's.
"""

import json
import shutil
from dataclasses import asdict, dataclass, field
from typing import Any

from safetensors.torch import load_file, save_file

from gptlab.config import DataConfig, RunConfig, TokenizerConfig
from gptlab.data import library
from gptlab.data.village.documents import LESSONS_VERSION, VERSION, Village
from gptlab.data.village.korean import particles_apart
from gptlab.errors import RunError
from gptlab.experiment import FineTuning, Study, TransferConfig
from gptlab.model.counting import count_all
from gptlab.paths import home
from gptlab.runs import store
from gptlab.runs.checkpoint import checkpoints
from gptlab.runs.curve import Curve
from gptlab.runs.plan import plan, plan_onward
from gptlab.runs.scored import card_of, scored_anew, write_card
from gptlab.runs.store import Run, open_run, overview, shipped_runs
from gptlab.tokenizer import Tokenizer, train_tokenizer
from gptlab.transfer.studies import VARIANTS, ablation_study, label_study, layer_study

VOCABULARY = TokenizerConfig(kind="bpe", vocab_size=8192)
"""Learned with Korean particles cut off: names are one token, things of the village 1.2 in either language (4,096 with particles: 2.6 in
English, 3.4 in Korean). With 8,192 and particles a model answered English better and Korean worse: each form of a noun was a token."""


N_STEPS = 2000
"""For all that begin with random weights: 16.4 M tokens, so that sizes and architectures compare."""


@dataclass(frozen=True)
class Recipe:
    """How a model is made.

    Args:
        n_checkpoints: how many moments of its training are kept, evenly spread over log time; more than two are scored on every task.
        n_shipped: of how many of them the weights ship, counted from the end; none of a model that is a step on the way to another.
        windows: where those of a batch may begin, as in `DataConfig`.
        begins_from: the model whose weights it goes on from, with that one's architecture and shape; empty for random weights.
    """

    architecture: str
    shape: dict[str, Any]
    begins_from: str = ""
    village: Village = Village()
    megabytes: float = 80.0
    n_steps: int = N_STEPS
    n_checkpoints: int = 2
    n_shipped: int = 1
    windows: str = "anywhere"
    training: dict[str, Any] = field(default_factory=dict)


FAST = dict(
    batch_size=32, learning_rate=4e-3, muon_learning_rate=0.05, weight_decay=0.1, evaluation_tokens=40_000, precision="bf16", seed=1,
)  # fmt: skip
"""Chosen here, after pilots of a few minutes: at step 100 AdamW (2e-3) stood at 4.37 nats a token, Muon at step 69 at 3.49, and decay keeps
its matrices small enough to be fine-tuned (root mean square 0.02 to 0.06)."""

GENTLE = dict(muon_learning_rate=0.02, learning_rate=1.6e-3)
"""For what goes on from trained weights. Chosen here: two fifths of the rates that those began with."""

RECIPES: dict[str, Recipe] = {
    "gpt2-6x96": Recipe("gpt2", dict(n_layer=6, n_head=4, n_embd=96, block_size=256), n_checkpoints=12, n_shipped=12),
    "gpt2-12x128": Recipe("gpt2", dict(n_layer=12, n_head=4, n_embd=128, block_size=256)),
    "gpt2-12x64": Recipe("gpt2", dict(n_layer=12, n_head=4, n_embd=64, block_size=256)),
    "gpt1-6x96": Recipe("gpt1", dict(n_layer=6, n_head=4, n_embd=96, block_size=256)),
    # reading is taught in four lessons: all tokens count; answers count above all; some people have names that nobody has; mostly stories
    "gpt2-12x128-lessons": Recipe(
        "gpt2", {}, begins_from="gpt2-12x128", village=Village(seed=2, demonstrations=0.9, lessons=True), n_steps=2800, n_shipped=0,
        windows="blank line", training=GENTLE,
    ),
    "gpt2-12x128-answers": Recipe(
        "gpt2", {}, begins_from="gpt2-12x128-lessons", village=Village(seed=3, demonstrations=0.9, lessons=True), n_steps=2400, n_shipped=0,
        windows="blank line", training=GENTLE | dict(answer_weight=20.0),
    ),
    "gpt2-12x128-names": Recipe(
        "gpt2", {}, begins_from="gpt2-12x128-answers", village=Village(seed=4, demonstrations=0.6, lessons=True, made_up=0.3), n_steps=2800,
        n_shipped=0, windows="blank line", training=GENTLE | dict(answer_weight=5.0),
    ),
    "gpt2-12x128-reader": Recipe(
        "gpt2", {}, begins_from="gpt2-12x128-names", village=Village(seed=5, demonstrations=0.3, lessons=True, made_up=0.1),
        megabytes=130.0, n_steps=4200, windows="blank line", training=GENTLE | dict(answer_weight=3.0),
    ),
    # torch's LSTM takes twice as long in bf16 on a CPU
    "lstm-320": Recipe(
        "lstm", dict(n_layer=1, n_embd=128, n_hidden=320, block_size=256), n_checkpoints=12, training=dict(precision="fp32"),
    ),
}


def study_recipes() -> dict[str, Study]:
    """The studies that ship, computed with models that ship; their points are there when a page opens."""
    transfer = TransferConfig(precision="bf16")

    def plan(model: str, task: str, n_labels: int) -> FineTuning:
        return FineTuning(model=model, task=task, transfer=transfer.with_(n_labels=n_labels))

    deep = plan("gpt2-12x64", "acceptability-en", 4096)
    n_layer = RECIPES[deep.model].shape["n_layer"]
    quick = FineTuning(model=deep.model, task="closed-en", transfer=TransferConfig(n_labels=512, **VARIANTS["words"]))
    columns = {
        "acceptability-en": 4096, "acceptability-ko": 1024, "pronoun-en": 4096, "closed-en": 1024, "closed-ko": 1024, "kind-en": 1024,
    }
    with_head = [plan("gpt2-6x96", task, n) for task, n in columns.items()]
    by_words = FineTuning(model="gpt2-6x96", task="pronoun-en", transfer=transfer.with_(n_labels=4096, answer_by="words"))
    return {
        "layers-12x64": layer_study([quick], n_layer, n_seeds=3),
        "layers-12x64-head": layer_study([deep], n_layer, n_seeds=3),
        "ablations-6x96": ablation_study([*with_head, by_words], "lstm-320", n_seeds=3),
        "ceilings-12x128": Study(kind="ceilings", arms=ceilings("gpt2-12x128", TransferConfig()), n_seeds=1),
        "labels-12x128": label_study("gpt2-12x128", "closed-en", transfer, n_seeds=3, most=4096),
    }


def ceilings(model: str, transfer: TransferConfig) -> list[FineTuning]:
    """What labels add to what a model can without them. Where the answers are words, words answer: a new head learns less from a few
    thousand labels than the model knows. Of what the model can already, 1e-4 was the best of three rates on the validation split of closed
    questions; of what it cannot, 3e-4 and 1e-3 were tried on that of pronouns. For cloze 2e-4 was tried alone; on its validation split
    that is better than no training.
    """
    by_words = transfer.with_(answer_by="words", n_epochs=1, learning_rate=1e-4)
    new = by_words.with_(n_labels=4096, learning_rate=3e-4)
    plans = {
        "acceptability": transfer.with_(n_labels=4096), "closed": by_words.with_(n_labels=1024), "choice": by_words.with_(n_labels=3072),
        "cloze": by_words.with_(n_labels=2048, learning_rate=2e-4), "pronoun": new.with_(n_epochs=3, learning_rate=1e-3),
        "entailment": new, "sentiment": new,
    }  # fmt: skip
    tasks = [(task, language) for task in plans for language in Village.languages]
    return [FineTuning(model=model, task=f"{task}-{language}", transfer=plans[task]) for task, language in tasks]


def cards() -> list[dict[str, Any]]:
    """What is known about each model that ships, the smallest first."""
    return sorted(map(card_of, shipped_runs()), key=lambda card: card["parameters"])


def ancestors(name: str) -> list[str]:
    """The models whose weights a model goes on from, the one that began with random weights first."""
    base = RECIPES[name].begins_from
    return [*ancestors(base), base] if base else []


def planned(name: str, device: str, base: Run | None = None) -> tuple[RunConfig, Tokenizer]:
    """Settings and tokenizer of a model that is to be made next on the way; its text is in the library then.

    Args:
        base: the run that it goes on from, where that model is but a step on the way; of one that ships it is found.
    """
    recipe = RECIPES[name]
    text = recipe.village.text(recipe.megabytes)
    data = DataConfig(corpus=library.save(text, home()), validation_fraction=0.01, windows=recipe.windows)
    changes = FAST | recipe.training
    changes |= dict(n_steps=recipe.n_steps, n_checkpoints=recipe.n_checkpoints, evaluate_every=max(1, recipe.n_steps // 20))
    if recipe.begins_from:
        base = open_run(recipe.begins_from) if RECIPES[recipe.begins_from].n_shipped else base
        assert base is not None, f"{recipe.begins_from} is made first"
        return plan_onward(base=base, title=name, data=data, recipe="fast", device=device, changes=changes), base.tokenizer()
    tokenizer = train_tokenizer(VOCABULARY, particles_apart(text.split(data.validation_fraction)[0]))
    config = plan(
        title=name, data=data, tokenizer_config=VOCABULARY, tokenizer=tokenizer, size="small", architecture=recipe.architecture,
        recipe="fast", device=device, changes=recipe.shape | changes,
    )  # fmt: skip
    return config, tokenizer


def way_to(name: str) -> list[str]:
    """What has to be made for a model that ships: itself, behind those that are steps on the way to it.

    Raises:
        RunError: no recipe of this name.
    """
    if name not in RECIPES:
        raise RunError("There is no recipe for {given!r}. There are {known}.", given=name, known=", ".join(RECIPES))
    return [*(base for base in ancestors(name) if not RECIPES[base].n_shipped), name]


def begun(planned: RunConfig) -> Run | None:
    """The newest run that was to make just this, on whatever device: one of an older recipe, or of another text, has the title alone."""
    return next((run for run, config, _status in overview() if config.with_(device=planned.device) == planned), None)


def pack(run: Run, name: str) -> dict[str, Any]:
    """Put a finished run among the assets; returns its card.

    Raises:
        RunError: the run is not finished.
    """
    require_finished(run)
    config = run.config()
    place = store.MODELS / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for file in ("config.json", "tokenizer.json", "status.json"):
        shutil.copyfile(run.folder / file, place / file)
    (place / "metrics.jsonl").write_text(thinned((run.folder / "metrics.jsonl").read_text(encoding="utf-8")), encoding="utf-8")
    for checkpoint in checkpoints(run)[-RECIPES[name].n_shipped :]:
        target = place / "checkpoints" / checkpoint.folder.name
        target.mkdir(parents=True)
        weights = load_file(checkpoint.folder / "model.safetensors")
        save_file({key: tensor.half() for key, tensor in weights.items()}, target / "model.safetensors")
        state = {"step": checkpoint.step, "sizes": {"model.safetensors": (target / "model.safetensors").stat().st_size}}
        (target / "state.json").write_text(json.dumps(state), encoding="utf-8")
    about = scored_anew(_card(run, name, config), Run(place), run)
    write_card(Run(place), about)
    return about


def thinned(metrics: str) -> str:
    """A curve with every fourth of its steps, and all else: a figure has no more points, and the app is smaller by a megabyte."""
    lines = [(line, json.loads(line)) for line in metrics.splitlines()]
    return "".join(line + "\n" for line, values in lines if values["kind"] != "step" or values["step"] % 4 == 0)


def pack_study(run: Run, name: str) -> None:
    """Put a finished study among the assets.

    Raises:
        RunError: it is not finished.
    """
    require_finished(run)
    place = store.STUDIES / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for file in ("config.json", "status.json", "metrics.jsonl", "tasks.json"):
        shutil.copyfile(run.folder / file, place / file)


def require_finished(run: Run) -> None:
    """
    Raises:
        RunError: it was stopped, or paused.
    """
    if (state := run.status().state) != "finished":
        raise RunError("The run {run_id} is {state}; only a finished one can ship.", run_id=run.id, state=state)


def _card(run: Run, name: str, config: RunConfig) -> dict[str, Any]:
    curve = Curve(run.folder)
    curve.read()
    last, environment = curve.evaluations[-1], run.environment()
    assert config.training is not None
    recipe = RECIPES[name]
    versions = {"village_version": VERSION, "lessons_version": LESSONS_VERSION}
    return {
        "name": name,
        "architecture": recipe.architecture,
        "parameters": count_all(config.model),
        "begins_from": " → ".join(ancestors(name)),
        "data": versions | {"megabytes": recipe.megabytes} | asdict(recipe.village),
        "steps": last.step,
        "tokens": last.step * config.training.batch_size * config.model.block_size,
        "training_seed": config.training.seed,
        "checkpoints": [c.step for c in checkpoints(run)][-recipe.n_shipped :],
        "validation_nats_per_token": last.validation_nats,
        "validation_bits_per_byte": last.validation_nats * curve.starts[-1].bits_per_byte,
        "seconds": run.status().elapsed_s,
        "device": run.status().device_name,
        "environment": environment,
        "command": f"python -m gptlab build-models {name}",
        "zero_shot": {},
        "through_time": {},
        "task_versions": {},
    }
