"""Korean particles, and the polite way to say a sentence. Source: the rules of the standard language (Hangul Matchumbeop)."""

import re
from functools import cache

PARTICLES = {
    "은": ("은", "는"), "이": ("이", "가"), "을": ("을", "를"), "와": ("과", "와"), "아": ("아", "야"), "로": ("으로", "로"),
    "라는": ("이라는", "라는"), "이라": ("이라", "라"), "이었다": ("이었다", "였다"), "이야": ("이야", "야"), "이에요": ("이에요", "예요"),
    "이니": ("이니", "니"), "이라고": ("이라고", "라고"), "이니까": ("이니까", "니까"), "이다": ("이다", "다"), "이나": ("이나", "나"),
    "이고": ("이고", "고"), "이에요?": ("이에요", "예요"),
}  # fmt: skip
"""Name of a particle -> its form after a consonant, and after a vowel. Particles that are not here have one form."""


@cache
def with_particle(word: str, particle: str) -> str:
    """A word with the form of a particle that fits its last sound.

    >>> with_particle("미나", "은"), with_particle("연", "은"), with_particle("교실", "로"), with_particle("숲", "로")
    ('미나는', '연은', '교실로', '숲으로')
    """
    if particle not in PARTICLES:
        return word + particle
    after_consonant, after_vowel = PARTICLES[particle]
    final = final_consonant(word)
    takes_short = final == 0 or (particle == "로" and final == L)
    return word + (after_vowel if takes_short else after_consonant)


ENDINGS = (
    "에게서", "에게", "에서", "으로", "이라는", "라는", "이었다", "였다", "이었어요", "였어요", "이에요", "예요", "은", "는", "이", "가",
    "을", "를", "에", "로", "와", "과", "의", "도", "아", "야", "인",
)  # fmt: skip
"""What stands behind nouns in the village's text, the longer ones first where one begins as another does."""

_ENDED = re.compile(rf"(?<=[가-힣])({'|'.join(ENDINGS)})(?=[^가-힣])")


def particles_apart(text: str) -> str:
    """The text with a line break before each particle, for a vocabulary that is to be learned from it: no merge goes over the break, so
    "정원에서" and "정원으로" share the token of the garden. Without this, every form of a noun is a token of its own, and a small model
    has to learn anew for each that they are one place.

    >>> particles_apart("미나는 정원에서 잤다.")
    '미나\\n는 정원\\n에서 잤다.'
    """
    return _ENDED.sub(r"\n\1", text)


L, SS = 8, 20
"""Numbers of the finals ㄹ and ㅆ among the 27 that a syllable may end in; 0 is none."""


def final_consonant(word: str) -> int:
    """Number of the final consonant of the last syllable, 0 when it ends in a vowel."""
    last = word[-1]
    assert "가" <= last <= "힣", word
    return (ord(last) - ord("가")) % 28


def polite(sentence: str) -> str:
    """A narrator's sentences in the past (-ㅆ다) as they are told to listeners (-ㅆ어요). What people say in quotation marks stays.

    >>> polite('미나는 웃었다. "갔다." 준이 말했다.')
    '미나는 웃었어요. "갔다." 준이 말했어요.'
    """
    parts = sentence.split('"')
    parts[::2] = [_polite(part) for part in parts[::2]]
    return '"'.join(parts)


def _polite(part: str) -> str:
    pieces = part.split("다.")
    for i, piece in enumerate(pieces[:-1]):
        past = piece and "가" <= piece[-1] <= "힣" and final_consonant(piece) == SS
        pieces[i] = piece + ("어요." if past else "다.")
    return "".join(pieces)
