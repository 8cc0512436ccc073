"""A project in one line, as the list of projects loads it."""

PATH = "/acme/shop/issues/summary"


def test_it_tells_events_and_open_issues(as_vic, acme, send):
    send(acme)
    send(acme)
    part = as_vic.get(PATH).text
    assert part.startswith(f'<span class="row-tight" id="summary-{acme.id}">')
    assert 'aria-label="2 events in 14 d"' in part
    assert "1 open issue<" in part


def test_the_list_of_projects_loads_it(as_vic, acme):
    page = as_vic.get("/acme/").text
    assert f'hx-get="{PATH}" hx-trigger="load"' in page


def test_a_project_without_events(as_vic):
    assert "0 open issues" in as_vic.get(PATH).text


def test_a_stranger_finds_nothing(as_eve, acme):
    assert as_eve.get(PATH).status_code == 404
