"""How a process ended is how its runs ended, whether or not it had the time to say so."""

import json
import os
import re
import signal
import time

import pytest
from worlds import again, books, values, without_index

from azml_integrations.core import Run
from azml_integrations.store.view import DEAD


def standing(experiment, run_id="one"):
    """Return status and error of a run, as a stranger sees them."""
    details = Run(experiment, run_id).get_details()
    return details["status"], details.get("error", {}).get("error", {})


def test_a_clean_end_is_completed(program, experiment):
    """The last line of a script is an end as good as complete()."""
    program('begin(run_id="one").log("a", 1)').ended()

    assert standing(experiment) == ("Completed", {})


def test_an_uncaught_exception_is_failed_with_its_traceback(program, experiment):
    """Who looks at the run later sees what the terminal showed."""
    child = program("""
        begin(run_id="one").log("a", 1)
        def train():
            raise ValueError("no convergence")
        train()
    """)
    _, told = child.communicate()
    assert child.returncode == 1
    assert "ValueError: no convergence" in told  # the user's terminal shows it, too

    status, error = standing(experiment)
    assert status == "Failed"
    assert error["code"] == "UserError"
    assert error["debugInfo"]["type"] == "ValueError"
    assert "in train" in error["debugInfo"]["stackTrace"]
    assert "no convergence" in error["message"]


@pytest.mark.parametrize(
    ("leave", "code", "status"),
    [
        ("sys.exit()", 0, "Completed"),
        ("sys.exit(0)", 0, "Completed"),
        ("sys.exit(3)", 3, "Failed"),
        ('sys.exit("a reason")', 1, "Failed"),
        ("sys.exit(False)", 0, "Completed"),
        ("try:\n    sys.exit(2)\nexcept SystemExit:\n    pass", 0, "Completed"),
        ("t = threading.Thread(target=lambda: sys.exit(2))\nt.start()\nt.join()", 0, "Completed"),
        ("with run:\n    sys.exit(0)", 0, "Completed"),
        ("with run:\n    sys.exit(4)", 4, "Failed"),
        ("with run:\n    raise SystemExit(4)", 4, "Failed"),
    ],
)
def test_an_exit_code_decides(program, experiment, leave, code, status):
    """Zero is well, anything else is not; what somebody caught was no end."""
    program(f'run = begin(run_id="one")\n{leave}\n').ended(code)

    assert standing(experiment)[0] == status


@pytest.mark.parametrize(("answer", "status"), [("None", "Completed"), ("0", "Completed"), ("3", "Failed")])
def test_the_usual_last_line_of_a_script(program, experiment, answer, status):
    """`sys.exit(main())` looks sys.exit up before main begins its run: it is heard all the same."""
    program(f"""
        def main():
            begin(run_id="one")
            return {answer}
        if __name__ == "__main__":
            sys.exit(main())
    """).ended(int(answer) if answer != "None" else 0)

    assert standing(experiment)[0] == status


def test_ctrl_c_that_nobody_catches_is_failed(program, experiment):
    """The user stopped it: the run says KeyboardInterrupt."""
    child = program("""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        begin(run_id="one")
        say("ready")
        time.sleep(60)
    """)
    child.heard()
    child.send_signal(signal.SIGINT)
    child.communicate()

    status, error = standing(experiment)
    assert (status, error["debugInfo"]["type"]) == ("Failed", "KeyboardInterrupt")


def test_sigterm_is_canceled(program, experiment):
    """A scheduler ends the job: Canceled, and the exit status still says SIGTERM."""
    child = program('run = begin(run_id="one"); run.log("a", 1); say("ready"); time.sleep(60)')
    child.heard()
    child.send_signal(signal.SIGTERM)
    child.ended(-signal.SIGTERM)

    assert standing(experiment)[0] == "Canceled"
    assert values(Run(experiment, "one"), "a") == [1]


def test_sigterm_in_the_middle_of_logging_is_canceled(program, experiment):
    """Wherever it comes, in a write, a fold or a transaction: Canceled, and nothing is lost."""
    for attempt in range(8):
        child = program(f"""
            run = begin(run_id="run{attempt}")
            say("ready")
            i = 0
            while True:
                run.log("i", i)
                run.tag("k", str(i))
                os.write(1, b"%d\\n" % i)
                i += 1
        """)
        child.heard()
        time.sleep(0.003 * attempt)
        child.send_signal(signal.SIGTERM)
        acked = child.ended(-signal.SIGTERM)

        assert standing(experiment, f"run{attempt}")[0] == "Canceled"
        assert len(acked) <= len(values(Run(experiment, f"run{attempt}"), "i")) <= len(acked) + 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_users_own_sigterm_handler_wins(program, experiment, when):
    """Whoever has a handler decides; ours is not even called."""
    own = "signal.signal(signal.SIGTERM, lambda *_: (say('mine'), sys.exit(7)))"
    start = 'begin(run_id="one")'
    child = program(
        "\n".join(([own, start] if when == "before" else [start, own]) + ["say('ready')", "time.sleep(60)"])
    )
    child.heard()
    child.send_signal(signal.SIGTERM)
    assert child.ended(7) == ["mine"]

    assert standing(experiment)[0] == "Failed"


def test_sigterm_that_is_ignored_stays_ignored(program, experiment):
    """SIG_IGN is a decision, too."""
    child = program("""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        begin(run_id="one")
        os.kill(os.getpid(), signal.SIGTERM)
        say("alive")
    """)
    assert child.ended() == ["alive"]

    assert standing(experiment)[0] == "Completed"


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "os.abort()"])
def test_a_process_that_says_nothing_is_dead(program, experiment, end):
    """No atexit, no word: the released lock tells it, at the next look."""
    child = program(f'begin(run_id="one").log("a", 1); {end}')
    child.communicate()

    status, error = standing(experiment)
    assert (status, error["message"], error["code"]) == ("Failed", DEAD, "ProcessEnded")
    assert values(Run(experiment, "one"), "a") == [1]
    record = Run(experiment, "one")._record()
    assert record.verdict == DEAD
    assert record.created_at <= record.ended_at <= time.time()


def test_a_run_that_is_alive_and_quiet_is_never_judged(program, experiment):
    """Silence is no sign of death: only the lock is."""
    child = program('begin(run_id="one"); say("ready"); time.sleep(60)')
    child.heard()
    for path in books(Run(experiment, "one")):
        os.utime(path, (0, 0))  # as if nothing had been heard for half a century
    os.kill(child.pid, signal.SIGSTOP)  # and it does not even breathe

    for _ in range(20):
        assert again(experiment.workspace).find_runs()[0].status == "Running"
    os.kill(child.pid, signal.SIGCONT)
    child.killed()

    assert again(experiment.workspace).find_runs()[0].status == "Failed"


def as_if(run, **facts) -> None:
    """Change the first line of a run's journal."""
    path = books(run)[0]
    first, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps(json.loads(first) | facts).encode() + b"\n" + rest)


def test_a_run_of_another_machine_is_never_judged(program, experiment):
    """Its lock cannot be seen from here: it stays Running, whatever its file says."""
    program('begin(run_id="one"); os._exit(0)').ended()
    as_if(Run(experiment, "one"), host="elsewhere")
    without_index(experiment.workspace)

    record = again(experiment.workspace).find_runs()[0]
    assert (record.status, record.verdict, record.host) == ("Running", None, "elsewhere")


def test_a_run_of_an_earlier_boot_is_dead(program, experiment):
    """The machine was started anew: nobody can hold that lock, even if somebody seems to."""
    child = program('begin(run_id="one"); say("ready"); time.sleep(60)')
    child.heard()
    as_if_boot = books(Run(experiment, "one"))[0]
    content = as_if_boot.read_bytes()
    as_if_boot.write_bytes(re.sub(rb'"boot":"[^"]*"', b'"boot":"%s"' % (b"0" * 36), content, count=1))
    without_index(experiment.workspace)

    record = again(experiment.workspace).find_runs()[0]
    assert (record.status, record.verdict) == ("Failed", DEAD)


def test_several_runs_of_one_process_end_together(program, experiment):
    """Also a full disk for one of them is no reason to leave the others open; children end as their parents."""
    program("""
        runs = [begin(run_id=f"run{k}") for k in range(3)]
        child = runs[0].child_run(run_id="child")
        runs[1].complete()
        raise RuntimeError("all of them")
    """).ended(1)

    found = {record.run_id: record.status for record in experiment.workspace.find_runs()}
    assert found == {"run0": "Failed", "run1": "Completed", "run2": "Failed", "child": "Failed"}


def test_a_run_that_was_begun_in_a_thread(program, experiment):
    """No handler can be set there: the end is heard all the same, and a kill is seen."""
    program("""
        thread = threading.Thread(target=lambda: begin(run_id="one").log("a", 1))
        thread.start()
        thread.join()
    """).ended()

    assert standing(experiment)[0] == "Completed"


def test_late_points_are_seen_by_whoever_looks_at_all_runs(experiment, program):
    """Completion is no lock: what comes after it, from whatever process, is in the next list of runs."""
    from azml_integrations.records import MetricOrder, RunQuery

    program('run = begin(run_id="one"); run.log("loss", 1.0); run.complete()').ended()
    assert len(experiment.workspace.find_runs()) == 1
    Run(experiment, "one").log("test_loss", 0.5)

    best = experiment.workspace.find_runs(RunQuery(order=MetricOrder("test_loss")))
    assert [record.run_id for record in best] == ["one"]
