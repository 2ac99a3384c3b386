from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.cuts import layered, merged, united, without
from pipeline.models import Cut

TENTHS = st.integers(-20, 320).map(lambda n: n / 10)
CUTS = st.lists(st.tuples(TENTHS, TENTHS, st.sampled_from(("dead air", "creator"))), max_size=7)


def cut(start_s: float, end_s: float, why: str = "why") -> Cut:
    return Cut(start_s=start_s, end_s=end_s, why=why)


def cuts_of(drawn) -> list[Cut]:
    """As drawn: empty ones, backward ones and some outside the room among them."""
    return [cut(*one) for one in drawn]


def tenths(cuts) -> set[int]:
    """Every tenth of a second that is cut."""
    return {n for c in cuts for n in range(round(c.start_s * 10), round(c.end_s * 10))}


def test_cuts_that_touch_become_one_where_they_have_one_reason():
    cuts = (cut(5, 9), cut(2, 5), cut(20, 99), cut(-3, 1), cut(11, 11), cut(14, 12))
    assert merged(cuts, 30) == (cut(0, 1), cut(2, 9), cut(20, 30))


def test_what_was_cut_for_two_reasons_keeps_the_first():
    assert merged((cut(2, 6, "first"), cut(4, 9, "later"), cut(5, 6, "inside")), 30) == (cut(2, 6, "first"), cut(6, 9, "later"))


def test_an_upper_layer_shows_through_a_lower_one():
    upper, lower = [cut(4, 6, "paused")], [cut(0, 5, "silence"), cut(5.5, 9, "silence")]
    assert layered((upper, lower), 30) == (cut(0, 4, "silence"), cut(4, 6, "paused"), cut(6, 9, "silence"))


def test_what_is_taken_out_of_a_cut_leaves_both_its_sides():
    assert list(without([cut(0, 10), cut(20, 22)], [(-5, 1), (4, 6), (5, 7), (9, 30)])) == [cut(1, 4), cut(7, 9)]


def test_spans_that_are_none_are_left_out():
    assert united([(5, 3), (float("nan"), 9), (1, float("nan")), (7, 7), (2, 4), (3, 6)]) == [(2, 6)]


@given(CUTS)
def test_merged_cuts_are_the_same_seconds_in_order_and_none_twice(drawn):
    cuts = cuts_of(drawn)
    found = merged(cuts, 30.0)
    assert tenths(found) == {n for n in tenths(cuts) if 0 <= n < 300}
    assert all(a.end_s <= b.start_s for a, b in pairwise(found))
    assert merged(found, 30.0) == found


@given(CUTS, CUTS, CUTS)
def test_layers_cut_what_each_of_them_cuts_for_the_uppermost_reason(one, two, three):
    layers = [cuts_of(layer) for layer in (one, two, three)]
    found = layered(layers, 30.0)
    assert tenths(found) == {n for layer in layers for n in tenths(layer) if 0 <= n < 300}
    for why in ("dead air", "creator"):
        only = tenths([c for c in layers[0] if c.why == why]) - tenths([c for c in layers[0] if c.why != why])
        assert {n for n in only if 0 <= n < 300} <= tenths([c for c in found if c.why == why])


@given(CUTS, CUTS)
def test_what_is_left_of_cuts_lies_outside_what_was_taken(drawn, taken):
    spans = [(c.start_s, c.end_s) for c in cuts_of(taken)]
    assert tenths(without(cuts_of(drawn), spans)) == tenths(cuts_of(drawn)) - tenths(cuts_of(taken))
