"""The current run: a stack per context."""

import contextvars
import threading

from azml_integrations.core import context


class Toy:
    over = False


def test_the_innermost_run_that_is_not_over():
    """Entered last, asked first; one that has ended does not count."""
    one, two = Toy(), Toy()
    assert context.current() is None
    context.enter(one)
    context.enter(two)
    assert context.current() is two
    two.over = True
    assert context.current() is one
    context.leave(one)
    assert context.current() is None


def test_leaving_takes_one_entry_away():
    """`start_logging` enters, and so does `with`: the run stays current after the inner one ends."""
    one = Toy()
    context.enter(one)
    context.enter(one)
    context.leave(one)
    assert context.current() is one
    context.leave(one)
    context.leave(one)
    assert context.current() is None


def test_runs_that_are_over_are_forgotten():
    """A notebook begins a thousand runs; the stack must not hold them all."""
    for _ in range(1000):
        toy = Toy()
        context.enter(toy)
        toy.over = True
    context.enter(Toy())
    assert len(context._stack.get()) == 1


def test_another_thread_has_a_stack_of_its_own():
    """Overlapping runs in threads do not see each other."""
    context.enter(Toy())
    seen = []
    thread = threading.Thread(target=lambda: seen.append(context.current()))
    thread.start()
    thread.join()
    assert seen == [None]


def test_a_copied_context_sees_the_run():
    """asyncio tasks inherit it."""
    toy = Toy()
    context.enter(toy)
    assert contextvars.copy_context().run(context.current) is toy


def test_clear_forgets_all():
    """For tests and notebooks."""
    context.enter(Toy())
    context.clear()
    assert context.current() is None


def test_a_run_is_the_current_one_for_a_while():
    """In whichever thread; it is neither ended by that nor anything else."""
    one, two = Toy(), Toy()
    seen = []

    def elsewhere():
        with context.as_current(two):
            seen.append(context.current())
        seen.append(context.current())

    with context.as_current(one):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        with context.as_current(two):
            two.over = True
            assert context.current() is one
        assert context.current() is one
    assert context.current() is None
    assert seen == [two, None]
    assert not one.over
