"""Tickets wait in their order, each submitter gets its share, and nothing half written is ever seen."""

import multiprocessing
import os
import signal
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml_integrations import host
from azml_integrations.errors import NameRefusedError, OptionError
from azml_integrations.launch.queue import Place, Queue, next_in_turn
from azml_integrations.launch.ticket import Distribution, Ticket, decode, encode


def simple(run_id="run", submitter="me", processes=1, *, slotless=False):
    return Ticket(
        run_id, "trials", "local", submitter, 0.0, "python", distribution=Distribution(processes), slotless=slotless
    )


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path, "local")


def test_a_ticket_survives_its_file_byte_for_byte():
    """A command line holds bytes that are no text, and so does an environment."""
    ticket = Ticket(
        "run",
        "trials",
        "local",
        "me",
        1.5,
        "/usr/bin/python3",
        arguments=[b"--x", b"", b"\xff y"],
        variables={b"A": b"\xfe"},
    )
    assert decode(encode(ticket)) == ticket


def test_tickets_wait_in_their_order(queue):
    for name in ("first", "second", "third"):
        with queue.entering(simple(name)):
            assert name not in [place.ticket.run_id for place in queue.waiting()]
    assert [place.ticket.run_id for place in queue.waiting()] == ["first", "second", "third"]
    assert (queue.waiting()[0].path.stat().st_mode & 0o777) == 0o600


def test_a_submission_that_fails_leaves_no_ticket(queue):
    with pytest.raises(ZeroDivisionError), queue.entering(simple()):
        raise ZeroDivisionError
    assert queue.empty()
    assert not list(queue.folder.glob("*.partial"))


def test_a_ticket_is_claimed_once(queue):
    with queue.entering(simple()):
        pass
    (place,) = queue.waiting()
    claimed = queue.claim(place)
    assert claimed is not None
    assert queue.claim(place) is None
    assert [place.ticket.run_id for place in queue.running()] == ["run"]
    assert queue.give_back(claimed) is not None
    assert queue.find("run").path.parent == queue.waiting_folder
    queue.remove(queue.find("run"))
    assert queue.find("run") is None


def _die_in_the_middle(root, told):
    with Queue(root, "local").entering(simple("half")):
        told.set()
        time.sleep(60)


def test_what_a_killed_submitter_left_is_found_once_it_is_dead(queue, monkeypatch):
    context = multiprocessing.get_context("spawn")
    told = context.Event()
    process = context.Process(target=_die_in_the_middle, args=(queue.root, told))
    process.start()
    assert told.wait(30)
    (partial,) = queue.folder.glob("*.partial")
    os.utime(partial, (0, 0))
    assert queue.abandoned() == []  # its writer lives
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert [ticket.run_id for ticket in queue.abandoned()] == ["half"]
    assert queue.abandoned() == []


def test_a_file_that_is_no_ticket_is_passed_over(queue):
    with queue.entering(simple()):
        pass
    (queue.waiting_folder / "00000-odd.ticket").write_bytes(b"odd")
    assert [place.ticket.run_id for place in queue.waiting()] == ["run"]


def test_slots_are_chosen_or_the_cores(queue, monkeypatch):
    assert queue.slots == host.cores()
    monkeypatch.setenv("AZML_SLOTS", "7")
    assert queue.slots == 7
    queue.choose_slots(3)
    assert queue.slots == 3
    queue.choose_slots(None)
    assert queue.slots == 7
    monkeypatch.setenv("AZML_SLOTS", "many")
    assert queue.slots == host.cores()
    with pytest.raises(OptionError, match="at least 1 slot, got 0"):
        queue.choose_slots(0)


def test_no_name_becomes_a_path_unchecked(queue):
    with pytest.raises(NameRefusedError):
        queue.ask_to_cancel("../outside")
    assert Queue(queue.root, "../outside").folder.parent == queue.root / "queues"


def places(*tickets):
    return [Place(None, ticket) for ticket in tickets]


def test_who_has_the_fewest_slots_comes_first():
    """One process that submits two hundred scripts does not keep another one waiting for all of them."""
    waiting = places(simple("a3", "a"), simple("a4", "a"), simple("b1", "b"))
    running = [simple("a1", "a"), simple("a2", "a")]
    assert next_in_turn(waiting, running, 1).ticket.run_id == "b1"
    assert next_in_turn(waiting[:2], running, 1).ticket.run_id == "a3"
    assert next_in_turn(waiting, running, 0) is None


def test_a_run_of_several_processes_waits_for_all_its_slots_and_is_not_passed():
    waiting = places(simple("wide", "a", 2), simple("narrow", "a"))
    assert next_in_turn(waiting, [simple("x", "b")], 1) is None
    assert next_in_turn(waiting, [], 2).ticket.run_id == "wide"
    assert next_in_turn(places(simple("huge", "a", 64)), [], 2).ticket.run_id == "huge"  # alone, more than there are


def test_a_controller_takes_no_slot():
    waiting = places(simple("a", "a"), simple("sweep", "a", slotless=True))
    assert next_in_turn(waiting, [simple("x")], 0).ticket.run_id == "sweep"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=30), st.integers(1, 4))
def test_everybody_gets_a_turn(asked, slots):
    """Whatever is submitted, all of it runs, and never in more slots than there are, but for a run wider than all."""
    waiting = places(*(simple(f"r{n}", who, wide) for n, (who, wide) in enumerate(asked)))
    running, done = [], []
    while waiting or running:
        while (place := next_in_turn(waiting, running, slots - sum(t.slots for t in running))) is not None:
            waiting.remove(place)
            running.append(place.ticket)
            assert sum(t.slots for t in running) <= max(slots, running[0].slots)
        assert running
        done.append(running.pop(0))
    assert len(done) == len(asked)
