"""A damaged file is said in words, to the people of its organization alone."""


def test_pages_of_a_damaged_file_answer_503(as_alice, as_eve, acme, globex, make_issue, instance):
    mine, theirs = make_issue(acme), make_issue(globex)
    damaged = instance / "telemetry" / f"{acme.organization_id}.duckdb"
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_bytes(b"\0" * 5000)
    answer = as_alice.get(f"/acme/shop/issues/{mine.id}/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "try again" in answer.text
    assert as_eve.get(f"/globex/shop/issues/{theirs.id}/").status_code == 200
