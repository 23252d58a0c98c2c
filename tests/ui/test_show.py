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


def test_a_bar_below_nothing_keeps_its_number(monkeypatch):
    written = []
    monkeypatch.setattr(show.st, "html", written.append)
    show.bars([("near", 0.5), ("across", -0.001), ("away", -0.25)])
    assert [piece.split("%")[0] for piece in written[0].split("width:")[1:]] == ["50.0", "0.0", "0.0"]
    assert [piece.split("<")[0] for piece in written[0].split('class="value">')[1:]] == ["0.50", "0.00", "-0.25"]
