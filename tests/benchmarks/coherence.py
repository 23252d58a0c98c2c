"""How many of a model's stories hold together, as `gptlab.evaluation.coherence` judges them.

    python tests/benchmarks/coherence.py [--models gpt2-12x128,gpt2-12x128-reader] [--stories 100] [--top-p 1] [--outsiders]
    python tests/benchmarks/coherence.py --record     collects the marks of true stories anew, into assets/village
"""

import statistics
from random import Random

import torch
from peer import arguments, report, surroundings

from gptlab.config import SamplingConfig
from gptlab.data.village.lexicon import lexicon
from gptlab.data.village.story import Story
from gptlab.data.village.telling import as_text
from gptlab.evaluation.coherence import holds_together, judged, record, recorded, told, true_story
from gptlab.evaluation.metrics import judge_labels
from gptlab.runs.checkpoint import load_model
from gptlab.runs.store import open_run

OUTSIDERS = {
    "en": "Mina Sophie Max Alexander Leo Oliver Charlotte Yuna Felix Matilda Ivan Zara Hugo Priya Kenji Olaf Beatrice Quentin Rosa Tariq",
    "ko": "민서 지우 하윤 도윤 예준 시우 주원 건우 채원 은서 휴고 소피 막스 유찬 다인 라온 가람 보람 혜교 동현",
}
"""Names that a user might type; those that the village has, too, are left out."""


def spoiled(story: Story, told: list[str], language: str, rng: Random) -> list[str]:
    """A true story in which one name is another one's of the same story."""
    names = [person.en if language == "en" else person.ko for person in story.people]
    places = [(i, name) for i, said in enumerate(told) for name in names if name in said]
    i, name = rng.choice(places[1:] or places)
    other = rng.choice([other for other in names if other != name] or ["Nobody" if language == "en" else "아무개"])
    return [*told[:i], told[i].replace(name, other, 1), *told[i + 1 :]]


def outsiders(language: str) -> list[str]:
    known = {name for person in lexicon().children for name in (person.en, person.ko)}
    return [name for name in OUTSIDERS[language].split() if name not in known]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--models", default="gpt2-12x128,gpt2-12x128-reader")
    parser.add_argument("--languages", default="en,ko")
    parser.add_argument("--stories", type=int, default=100, help="of each model and language")
    parser.add_argument("--temperature", type=float, default=SamplingConfig().temperature)
    parser.add_argument("--top-p", type=float, default=SamplingConfig().top_p)
    parser.add_argument("--outsiders", action="store_true", help="begin the models' stories with names that the village does not have")
    parser.add_argument("--record", action="store_true", help="collect the marks of true stories anew, and end")
    parser.add_argument("--show", type=int, default=0, help="print the first stories of each, with what is wrong in them")
    given = parser.parse_args()
    if given.record:
        record()
        return
    torch.set_num_threads(given.threads)
    rows = []
    for language in given.languages.split(","):
        names = outsiders(language) if given.outsiders else []
        true = [true_story(f"judged {i}", language) for i in range(given.stories)]
        stories = {
            "the village": [as_text(story.events, said) for story, said in true],
            "the same, one name wrong": [
                as_text(story.events, spoiled(story, said, language, Random(i))) for i, (story, said) in enumerate(true)
            ],
        }
        for name in given.models.split(","):
            run = open_run(name)
            sampling = SamplingConfig(temperature=given.temperature, top_p=given.top_p, seed=given.seed)
            stories[name] = told(load_model(run).eval(), run.tokenizer(), language, sampling, given.stories, names)
        for name, texts in stories.items():
            found = [judged(text, language) for text in texts]
            for text, sentences in list(zip(texts, found, strict=True))[: given.show]:
                slips = [f"{text[s.begin : s.end]} ({', '.join(s.slips)})" for s in sentences if s.slips]
                print(f"--- {name}: {'; '.join(slips) or 'whole'}\n{text}\n")
            whole = judge_labels("accuracy", [int(holds_together(sentences)) for sentences in found], [1] * len(found))
            rows.append({
                "language": language, "stories of": name, "hold together": whole.value,
                "95 % interval": f"[{whole.low:.2f}, {whole.high:.2f}]",
                "slips a story": statistics.mean(sum(len(s.slips) for s in sentences) for sentences in found),
                "sentences": statistics.mean(map(len, found)),
            })  # fmt: skip
    about = surroundings(
        threads=given.threads, collected=recorded()["stories"], temperature=given.temperature, top_p=given.top_p, outsiders=given.outsiders
    )
    report("Stories that hold together", about, rows, given.json)


if __name__ == "__main__":
    main()
