"""Whatever becomes of the process that makes a PDF, the report goes out and says what it lacks."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from console.accounts.models import User
from console.alerting.delivery import sending
from console.core.db import db
from console.reports import editions, pdf, queries
from console.reports.models import EditionState, Report, ReportContent, ReportEdition

ENDINGS = [
    ("sleep 60", "The PDF was not made within 1 seconds."),
    ("exit 3", "The PDF was not made: its process ended with 3 and wrote no PDF."),
    ("kill -9 $$", "The PDF was not made: its process was ended by SIGKILL."),
    ("echo MemoryError >&2; exit 1", "The PDF was not made: it needs more than 1 GB of memory."),
    ("echo broken >&2; exit 1", "The PDF was not made: broken"),
    ("echo no page", "The PDF was not made: its process ended with 0 and wrote no PDF."),
]


@pytest.fixture
def run_instead(tmp_path: Path, monkeypatch):
    """`run_instead(script)`: what is run in place of the interpreter."""

    def run(script: str) -> None:
        own = tmp_path / "interpreter"
        own.write_text(f"#!/bin/sh\n{script}\n")
        own.chmod(0o755)
        monkeypatch.setattr(pdf, "obstacle", str)
        monkeypatch.setattr(pdf, "SECONDS", 1.0)
        monkeypatch.setattr(sys, "executable", str(own))

    return run


@pytest.mark.parametrize(("script", "words"), ENDINGS)
def test_the_sentence_says_how_the_process_ended(run_instead, script, words):
    run_instead(script)
    with pytest.raises(pdf.NoPdf) as raised:
        pdf.render_pdf("<p>Morning</p>")
    assert str(raised.value) == words


def test_an_interpreter_that_cannot_be_run_is_a_sentence_too(run_instead, monkeypatch):
    run_instead("")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(pdf.NoPdf, match="No such file or directory"):
        pdf.render_pdf("<p>Morning</p>")


def test_the_process_gets_no_secret(run_instead, monkeypatch):
    for name in ("SECRET_KEY", "DATABASE_URL", "SMTP_URL", "PHAROS_URL"):
        monkeypatch.setenv(name, "a-secret-of-the-console")
    run_instead("env | grep -c a-secret-of-the-console >&2; exit 1")
    with pytest.raises(pdf.NoPdf, match=r"not made: 0$"):
        pdf.render_pdf("<p>Morning</p>")


@pytest.mark.parametrize(
    ("work", "ended", "words"),
    [
        ("while True: pass", -signal.SIGALRM, ""),
        ("time.sleep(60)", -signal.SIGALRM, ""),
        ("bytearray(400 << 20)", 1, "MemoryError"),
    ],
)
def test_a_process_whose_console_is_gone_ends_by_itself(work, ended, words):
    code = (
        "import time; from console.reports import pdf; pdf.LONGEST_LIFE = 1;"
        f"pdf.MOST_MEMORY = 300 << 20; pdf._limit()\n{work}"
    )
    own = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert own.returncode == ended
    assert words in own.stderr.decode()


def test_a_report_goes_out_without_a_pdf_that_hangs(
    acme, inside, make_report, smtp, stored, run_instead
):
    run_instead("sleep 60")
    with inside(acme):
        alice = db.session.scalars(select(User).where(User.email == "alice@acme.test")).one()
    report_id = make_report(alice, pdf=True, csv=True)
    with inside(acme):
        editions.send_now(db.session.get_one(Report, report_id))
        db.session.commit()
        began = time.monotonic()
        editions.send_due(acme.organization_id)
        assert time.monotonic() - began < 30
        (edition,) = db.session.scalars(select(ReportEdition)).all()
        assert (edition.state, edition.why) == (EditionState.MADE, ENDINGS[0][1])
        (content,) = db.session.scalars(select(ReportContent)).all()
        assert "report.pdf" not in queries.files(content.id)
        db.session.rollback()
        sending.drain(acme.organization_id, 30)
    (mail,) = smtp.messages
    kinds = [part.get_content_type() for part in mail.walk()]
    assert "text/csv" in kinds
    assert "application/pdf" not in kinds
