"""What detectors say about requests of many clients, and how often they are right."""

import pytest

from tests.performance.shapes.measure import LATER, SHAPES, measured
from tests.performance.shapes.shape import REPEATED_CALL, REPEATED_STATEMENT, findings


def test_a_shape_is_reported_for_what_it_repeats_and_for_nothing_else():
    wrong = {}
    for shape in (*SHAPES, *LATER):
        reported = findings(shape)
        seen = bool(reported & REPEATED_STATEMENT), bool(reported & REPEATED_CALL)
        if seen != (shape.statements, shape.calls):
            wrong[shape.name] = reported
    assert wrong == {}


def test_shapes_have_names_of_their_own():
    assert len({shape.name for shape in (*SHAPES, *LATER)}) == len(SHAPES) + len(LATER)


@pytest.mark.parametrize("held_out", [False, True])
def test_precision_and_recall_of_both_halves(held_out):
    half = [shape for shape in SHAPES if shape.held_out is held_out]
    statements = measured(half, REPEATED_STATEMENT, lambda shape: shape.statements)
    calls = measured(half, REPEATED_CALL, lambda shape: shape.calls)
    assert min(statements.precision, statements.recall) >= 0.95
    assert min(calls.precision, calls.recall) >= 0.95
