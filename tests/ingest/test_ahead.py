"""What comes next is decoded while a turn is committed: once, in order, by its turn's rules."""

import os
import random
import signal
from collections import defaultdict
from dataclasses import replace

from console.ingest import digest as commits
from console.ingest import turns
from console.ingest.decoders.frames import Job
from console.ingest.decoders.pool import Decoders
from console.ingest.scrub_rules import ScrubRules
from console.ingest.turns import Turns
from tests.ingest.conftest import error
from tests.ingest.decoding_killers import KILLS
from tests.ingest.test_decoders import KILLERS, decoders, jobs, kinds_of, nowhere
from tests.ingest.test_spool import row
from tests.ingest.test_turns import path, spool

__all__ = ["decoders", "path", "spool"]  # the fixtures


def begun(work: Decoders, kinds: str, *ahead: str) -> list[Job]:
    """Jobs whose decoding has begun while those of other kinds, one letter each, were awaited."""
    first, expected = jobs(*kinds), jobs(*kinds, *ahead)[len(kinds) :]
    assert kinds_of(list(work.decode(first, nowhere, lambda: expected))) == list(kinds)
    assert [ticket.job for ticket in work._begun] == expected
    return expected


def given(work: Decoders) -> int:
    """How many jobs were given to processes up to now."""
    return work._number


def test_what_was_begun_is_given_to_no_process_again(decoders):
    work = decoders(2)
    expected = begun(work, "AB", "C", "D", "E")
    before = given(work)
    assert kinds_of(list(work.decode(expected, nowhere))) == ["C", "D", "E"]
    assert given(work) == before


def test_other_rules_decode_it_anew(decoders):
    work = decoders(1)
    expected = begun(work, "A", "C", "D")
    rules = ScrubRules(patterns=("C",))
    (first, second) = work.decode([replace(job, rules=rules) for job in expected], nowhere)
    assert kinds_of([first, second]) == ["[Filtered]", "D"]
    assert given(work) == 5


def test_another_organizations_turn_comes_first_and_takes_nothing_away(decoders):
    work = decoders(1)
    expected = begun(work, "A", "C", "D")
    others = [replace(job, row=replace(job.row, organization_id=7)) for job in jobs("X", "Y")]
    assert kinds_of(list(work.decode(others[:1], nowhere))) == ["X"]
    before = given(work)
    assert kinds_of(list(work.decode(expected, nowhere))) == ["C", "D"]
    assert given(work) == before
    begun(work, "A", "C", "D")
    assert kinds_of(list(work.decode(others, nowhere, lambda: others))) == ["X", "Y"]
    assert [ticket.job for ticket in work._begun] == others, "whose turn is over waits no more"


def test_processes_that_are_killed_meanwhile_are_replaced(decoders):
    work = decoders(2)
    expected = begun(work, "AB", *"CDEFGH")
    for pid in work.pids:
        os.kill(pid, signal.SIGKILL)
    assert kinds_of(list(work.decode(expected, nowhere))) == list("CDEFGH")


def test_a_row_that_ends_them_ends_nobody_elses_turn(decoders):
    work = decoders(1, command=KILLERS)
    begun(work, "A", KILLS, "D")
    others = [replace(job, row=replace(job.row, organization_id=7)) for job in jobs("X", "Y")]
    assert kinds_of(list(work.decode(others, nowhere))) == ["X", "Y"]


def test_while_a_turn_is_committed_the_next_is_decoded(
    acme, accepted, digest, waiting, stored, decoders, monkeypatch
):
    monkeypatch.setattr(turns, "ROUND_ROWS", 10)
    work = digest.decoders = decoders(1)
    for _ in range(35):
        accepted(acme, error())
    under_way, commit = [], commits._commit

    def watched(*arguments):
        under_way.append(len(work._begun))
        return commit(*arguments)

    monkeypatch.setattr(commits, "_commit", watched)
    digest.drain()
    assert under_way == [25, 15, 5, 0]
    assert given(work) == 35
    assert stored(acme).ledger() == {("event", "stored", ""): 35}
    assert waiting.depth().rows == 0


def test_killing_them_at_each_commit_loses_and_doubles_nothing(
    acme, accepted, digest, waiting, stored, decoders, monkeypatch
):
    monkeypatch.setattr(turns, "ROUND_ROWS", 10)
    work = digest.decoders = decoders(2)
    for _ in range(35):
        accepted(acme, error())
    positions: list[int] = []
    commit = commits._commit

    def killing(store, organization_id, share):
        positions.extend(position for position, _ in share)
        for pid in work.pids:
            os.kill(pid, signal.SIGKILL)
        return commit(store, organization_id, share)

    monkeypatch.setattr(commits, "_commit", killing)
    digest.drain()
    assert positions == sorted(set(positions))
    assert waiting.dead_count() == 0
    assert stored(acme).ledger() == {("event", "stored", ""): 35}


def test_rows_that_are_read_ahead_come_once_and_in_order_whatever_comes_between(spool, monkeypatch):
    monkeypatch.setattr(turns, "ROUND_ROWS", 20)
    monkeypatch.setattr(turns, "AHEAD_ROWS", 7)
    chance = random.Random(11)
    sent: dict[int, list[int]] = defaultdict(list)
    taken: dict[int, list[int]] = defaultdict(list)
    reader, ahead = Turns(spool), 0
    for organization_id in [1] * 300 + [2] * 5:
        appended = spool.append(row(b"x", organization_id=organization_id))
        sent[organization_id].append(appended)
    while turn := list(_partly(reader, chance)):
        for organization_id, rows, upto, was_ahead in turn:
            taken[organization_id] += [place.position for place in rows if place.position <= upto]
            ahead += was_ahead
        if chance.random() < 0.5:
            reader.forget()
        if chance.random() < 0.3 and len(sent[2]) < 40:
            sent[2].append(spool.append(row(b"x", organization_id=2)))
    assert taken == sent
    assert ahead > 20


def _partly(reader: Turns, chance: random.Random):
    """A round of turns that read ahead, of which some end early and some fail."""
    for organization_id, rows in reader.round():
        was_ahead = len(reader.ahead(organization_id, rows[-1].position))
        upto = chance.choice([rows[-1], rows[-1], rows[len(rows) // 2]]).position
        if chance.random() < 0.2:
            upto = 0  # it could not be stored
        else:
            reader.digested(organization_id, upto)
        yield organization_id, rows, upto, was_ahead
