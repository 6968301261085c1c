"""What an exercise's test file imports.

    from grader.testing import assert_close, part, points, public

    @part("step")
    @public
    @pytest.mark.parametrize("batch", [1, 2])
    def test_step(student, reference, rng, batch):
        '''One step: h and c.'''
        arguments = cell_arguments(rng, batch=batch)
        assert_close(student.step(*arguments), reference.step(*arguments), names=("h (N, H)", "c (N, H)"))

Fixtures: `student` and `reference` (their attributes are functions that run in a worker or are read from a
recording; `.value(NAME)` reads a constant) and `rng` (a seeded `numpy.random.Generator`, replayed from the recording).
Verbs are soft: they note what is wrong and go on; the case fails at its end.
"""

from grader.testing.marks import case, chain, part, points, public, secondary
from grader.testing.values import Seed, Source, leaf
from grader.testing.verbs import (
    assert_close,
    assert_fresh,
    assert_gradient,
    assert_raises,
    assert_speed,
    assert_unchanged,
)

__all__ = [
    "Seed",
    "Source",
    "assert_close",
    "assert_fresh",
    "assert_gradient",
    "assert_raises",
    "assert_speed",
    "assert_unchanged",
    "case",
    "chain",
    "leaf",
    "part",
    "points",
    "public",
    "secondary",
]
