"""Channels on a console that has no mail server."""


def test_the_page_says_so_and_how(as_ada):
    assert "SMTP_URL" in as_ada.get("/acme/settings/channels/").text


def test_a_mail_channel_is_refused_beside_its_field(as_ada):
    own = {"name": "ops", "settings.to": "ops@acme.test"}
    answer = as_ada.post("/acme/settings/channels/new/email", data=own)
    assert answer.status_code == 422
    assert "SMTP_URL" in answer.text
