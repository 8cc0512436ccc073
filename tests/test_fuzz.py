"""Some hundred of the requests of `make bench ARGS=fuzz`: none is answered by a fault."""

from tests.fuzz.run import run

REQUESTS = 200


def test_nothing_that_is_asked_wrongly_is_a_fault(both_databases, app):
    done = run(app, seed=1, numbers=range(REQUESTS))
    print(done.figures)
    assert done.faults == []
    assert done.answers["2xx"] > REQUESTS / 15, "too few get as far as a page"
    assert done.answers["4xx"] > REQUESTS / 4
