"""Small pieces of pages."""

from gptlab.ui import show


def test_numbers_of_a_table_are_set_to_the_right_negative_ones_too(monkeypatch):
    written = []
    monkeypatch.setattr(show.st, "html", written.append)
    show.table(["task", "score"], [("kind", "0.4"), ("pronoun", "-0.1")])
    assert written[0].count('<td class="number">') == 2 and '<td class="number">-0.1</td>' in written[0]
    assert '<th class="words">task</th><th class="number">score</th>' in written[0]
    show.table(["id"], [("12",)], numbers_right=False)
    assert '<td class="words">12</td>' in written[1]
