import pytest

from gptlab.data.village.korean import PARTICLES, polite, with_particle


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("미나", "은", "미나는"), ("연", "은", "연은"), ("미나", "이", "미나가"), ("연", "을", "연을"), ("사과", "을", "사과를"),
        ("숲", "로", "숲으로"), ("교실", "로", "교실로"), ("학교", "로", "학교로"), ("민준", "아", "민준아"), ("미나", "아", "미나야"),
        ("연", "이야", "연이야"), ("사과", "이야", "사과야"), ("사과", "이에요", "사과예요"), ("새", "이다", "새다"),
        ("꽃", "이다", "꽃이다"),
        ("연", "와", "연과"), ("사과", "와", "사과와"), ("준", "에게", "준에게"),
    ],
)  # fmt: skip
def test_the_last_sound_chooses_the_particle(word, particle, expected):
    assert with_particle(word, particle) == expected


@pytest.mark.parametrize("particle", PARTICLES)
def test_every_particle_has_a_form_after_a_consonant_and_one_after_a_vowel(particle):
    after_consonant, after_vowel = PARTICLES[particle]
    assert with_particle("연", particle) == "연" + after_consonant and with_particle("새", particle) == "새" + after_vowel


def test_only_the_narrator_becomes_polite():
    assert polite('"갔다." 미나가 말했다. 숲이다.') == '"갔다." 미나가 말했어요. 숲이다.'


def test_a_vocabulary_learned_with_particles_apart_keeps_them_apart():
    """One token for the garden, whatever stands behind it; the text itself is encoded as it is."""
    from gptlab.config import TokenizerConfig
    from gptlab.data.village.korean import particles_apart
    from gptlab.tokenizer import train_tokenizer

    text = "미나는 정원에 있었다. 소희는 정원으로 갔다. 미나가 정원에서 소희를 만났다. " * 40
    found = train_tokenizer(TokenizerConfig(kind="bpe", vocab_size=400), particles_apart(text))
    garden = found.encode(" 정원").tolist()
    assert len(garden) == 1
    for form in ("에", "으로", "에서"):
        ids = found.encode(f" 정원{form}").tolist()
        assert ids[0] == garden[0] and found.decode(ids) == f" 정원{form}"
