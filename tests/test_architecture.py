"""The rules of the house: floors, names, sizes, and what a page may do."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "gptlab").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))

FLOORS = {
    "words": 0, "config": 0, "experiment": 0, "settings": 0, "presets": 0, "errors": 0, "paths": 0, "device": 0,
    "model": 1, "tokenizer": 1,
    "data": 2, "training": 2, "generation": 2, "evaluation": 2, "transfer": 2, "interpret": 2,
    "runs": 3, "commands": 4, "__main__": 5,
    "figures": 1,  # beside the floors: it may look down at the words only, see below
    "ui": 4,
}  # fmt: skip
"""Part -> floor. Parts of one floor do not import each other, except for the modules of floor 0, which are one part in many files."""

NEIGHBOURS = {"evaluation": {"data", "training", "generation"}, "transfer": {"data", "training", "generation", "evaluation"}}
"""What a part may import on its own floor."""

TORCH_FREE = (
    "words", "config", "experiment", "settings", "presets", "errors", "paths", "device", "figures.training", "figures.generation",
    "runs.store", "runs.curve", "runs.job", "training.events", "training.diagnosis", "model.counting", "ui.frame", "ui.overview", "ui.live",
    "ui.launch", "ui.text", "ui.write", "ui.library", "__main__",
)  # fmt: skip

BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "core"}
MOST_LINES, MOST_PAGE_LINES = 300, 120


def imports(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def part(dotted: str) -> str | None:
    """The part of the house that a name belongs to, as in gptlab.model.gpt -> model."""
    pieces = dotted.split(".")
    return pieces[1] if pieces[0] == "gptlab" and len(pieces) > 1 else None


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "gptlab").with_suffix("").parts[0]


def code_lines(path: Path) -> int:
    """Lines that hold code: no comment, no docstring, no blank line."""
    text = path.read_text(encoding="utf-8")
    strings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    empty = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {line for t in tokens if t.type not in empty for line in range(t.start[0], t.end[0] + 1)}
    return len(lines - strings)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path):
    here = part_of(path)
    if here == "__init__":
        return
    for dotted in imports(path):
        there = part(dotted)
        if there is None or there == here or there in NEIGHBOURS.get(here, ()) or f"gptlab.{there}" == dotted and there not in FLOORS:
            continue
        if here == "figures":
            assert FLOORS.get(there) == 0, f"{path.name} may import floor 0 only, not {dotted}"
        else:
            down = FLOORS[there] < FLOORS[here] or FLOORS[there] == FLOORS[here] == 0
            assert down, f"{path.name} (floor {FLOORS[here]}) imports {dotted} (floor {FLOORS[there]})"


def test_every_part_has_a_floor():
    assert {part_of(path) for path in MODULES} - {"__init__"} == set(FLOORS)


@pytest.mark.parametrize("path", [*MODULES, *PAGES, ROOT / "app.py"], ids=lambda p: str(p.relative_to(ROOT)))
def test_streamlit_is_imported_by_the_screen_only(path):
    on_screen = path.name == "app.py" or "pages" in path.parts or path.is_relative_to(ROOT / "gptlab" / "ui")
    assert on_screen or not any(name.split(".")[0] == "streamlit" for name in imports(path))


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) == "figures"], ids=lambda p: p.name)
def test_figures_know_no_torch(path):
    assert not any(name.split(".")[0] in ("torch", "streamlit") for name in imports(path))


def test_light_modules_load_no_torch():
    script = "import sys\n" + "".join(f"import gptlab.{name}\n" for name in TORCH_FREE) + "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_no_page_lies_flat():
    """Streamlit would run such a page without the frame around it."""
    assert not list((ROOT / "pages").glob("*.py"))


def test_page_names_are_unique():
    stems = [page.stem for page in PAGES]
    assert len(stems) == len(set(stems))


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_pages_are_thin(path):
    text = path.read_text(encoding="utf-8")
    assert code_lines(path) <= MOST_PAGE_LINES
    assert not any(name.split(".")[0] in ("torch", "plotly", "pathlib", "os") for name in imports(path))
    assert "session_state" not in text and "__main__" not in text and "open(" not in text


@pytest.mark.parametrize("path", [*MODULES, *PAGES], ids=lambda p: str(p.relative_to(ROOT)))
def test_names_and_sizes(path):
    assert path.stem not in BANNED_NAMES
    assert code_lines(path) <= MOST_LINES, f"{code_lines(path)} lines of code: split it"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_everything_public_says_what_it_is(path):
    """Modules, classes and public functions have a docstring; methods whose name says it all, and tiny readers, need none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module says what it is"
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_only_the_fixed_names_lie_on_top():
    allowed = {"app.py", "README.md", "requirements.txt", "gptlab", "pages", "assets", "tests"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    top = {name.split("/")[0] for name in listed if name}
    assert {name for name in top if not name.startswith(".")} <= allowed
