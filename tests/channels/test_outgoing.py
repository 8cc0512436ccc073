"""What is sent after an answer: a console that stops waits for it, and not for ever."""

import threading

from console.channels import outgoing


def test_a_console_that_stops_waits_a_while_for_what_is_being_sent(app):
    may_go, sent = threading.Event(), threading.Event()

    def send():
        may_go.wait(30)
        sent.set()

    with app.app_context():
        queue = outgoing.current()
        assert queue.send_later(send)
        assert not queue.settle(0.05)
        may_go.set()
        assert queue.settle(30)
    assert sent.is_set()
