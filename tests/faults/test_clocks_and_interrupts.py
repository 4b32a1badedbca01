"""The clock runs back, Ctrl-C comes inside a call, complete() meets threads that log."""

import os
import signal
import time

import pytest
from worlds import damaged_lines, differences, told, told_afresh, values

from azml_integrations.core import Run

JUMPS = """
real = time.time
jumps = [0.0]
time.time = lambda: real() + jumps[0]
"""


def test_a_clock_that_jumps_back_changes_no_order_and_no_duration(program, experiment, tmp_path):
    """Order is that of the lines; a duration is never negative, also where the clock says so."""
    program(
        JUMPS
        + """
run = begin(run_id="jumping")
for i in range(10):
    run.log("i", i)
    jumps[0] -= 100.0
run.tag("k", "first")
jumps[0] -= 1000.0
run.tag("k", "second")
child = run.child_run(run_id="child")
child.log("i", 0)
jumps[0] -= 3600.0
child.complete()
run.complete()
run.log("i", 10)
run.tag("k", "third")
assert run.get_status() == "Completed"
"""
    ).ended()

    run = Run(experiment, "jumping")
    points = run.metric_points("i")
    assert [point.value for point in points] == list(range(11))
    assert [point.at for point in points] == sorted(point.at for point in points)
    assert run.tags == {"k": "third"}
    for record in experiment.workspace.find_runs():
        assert record.status == "Completed"
        assert record.created_at <= record.started_at <= record.ended_at
    details = run.get_details()
    assert details["startTimeUtc"] <= details["endTimeUtc"]
    assert differences(told(experiment.workspace), told_afresh(experiment.workspace, tmp_path / "new.db")) == []


def test_a_clock_far_in_the_past_or_future_is_written_down_as_it_is(program, experiment):
    """A machine that woke up in 1970, or in 2100: the run is recorded and ends."""
    for name, moment in (("past", -1.7e9), ("future", 2.4e9)):
        program(
            JUMPS
            + f"""
jumps[0] = {moment}
run = begin(run_id="{name}")
run.log("i", 1)
run.complete()
"""
        ).ended()
        run = Run(experiment, name)
        assert run.get_status() == "Completed"
        assert run.get_details()["startTimeUtc"] <= run.get_details()["endTimeUtc"]


def test_ctrl_c_at_random_moments_is_all_or_nothing(program, experiment, tmp_path):
    """Real SIGINTs: what returned is stored, what was interrupted is stored whole or not, the handle goes on."""
    child = program(
        """
        import io, itertools, json
        run = begin(run_id="interrupted")
        acked, interrupted, numbers = [], 0, itertools.count()
        inside = False
        def interrupt(*_):
            global inside
            if inside:
                inside = False
                raise KeyboardInterrupt
        signal.signal(signal.SIGINT, interrupt)
        say("ready")
        until = time.monotonic() + 3
        while time.monotonic() < until:
            try:
                while time.monotonic() < until:
                    i = next(numbers)
                    inside = True
                    match i % 10:
                        case 3:
                            run.log_row("row", i=i, twice=2 * i)
                        case 5:
                            run.tag(f"tag{i}", str(i))
                        case 7:
                            run.log_metrics({"plus": i, "minus": -i})
                        case 9 if i % 50 == 9:
                            run.upload_file(f"{i}.txt", io.BytesIO(str(i).encode() * 1000))
                        case 1 if i % 50 == 1:
                            run.get_metrics("row")
                            run.log("loss", i)
                        case _:
                            run.log("loss", i)
                    inside = False
                    acked.append(i)
            except KeyboardInterrupt:
                interrupted += 1
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        run.log("last", 1)
        run.complete()
        with open(sys.argv[1], "w") as out:
            json.dump([acked, interrupted, next(numbers)], out)
        say("done")
    """,
        tmp_path / "acks.json",
    )
    assert child.heard() == "ready"
    sent = 0
    while child.poll() is None and sent < 1500:
        time.sleep(0.0015)
        child.send_signal(signal.SIGINT)
        sent += 1
    child.ended()

    import json

    acked, interrupted, tried = json.loads((tmp_path / "acks.json").read_text())
    run = Run(experiment, "interrupted")
    stored = values(run, "loss") + [row["i"] for row in values(run, "row")] + values(run, "plus")
    stored += [int(tag) for tag in run.tags.values()]
    stored += [int(name.removesuffix(".txt")) for name in run.get_file_names()]
    assert interrupted > 100
    assert len(stored) == len(set(stored))
    assert set(acked) <= set(stored) <= set(range(tried))
    assert len(stored) <= len(acked) + interrupted
    assert values(run, "minus") == [-value for value in values(run, "plus")]
    assert damaged_lines(run) == 0
    assert run.get_status() == "Completed"
    assert run.get_metrics()["last"] == 1
    assert list(run._folder.rglob("*.partial")) == []
    assert differences(told(experiment.workspace), told_afresh(experiment.workspace, tmp_path / "new.db")) == []


def test_a_handler_that_logs_and_completes_inside_a_call(program, experiment):
    """A user's signal handler uses the very run that is being used: nothing hangs, no line lands elsewhere."""
    child = program("""
        import itertools
        run = begin(run_id="handled")
        other = begin(run_id="other")
        numbers = itertools.count()
        def handle(*_):
            number = next(numbers)  # it may be interrupted by itself
            run.log("handler", number)
            if number % 5 == 4:
                run.complete()
                other.log("other", number)
        signal.signal(signal.SIGUSR1, handle)
        say("ready")
        i, until = 0, time.monotonic() + 2
        while time.monotonic() < until:
            run.log("i", i)
            if i % 100 == 0:
                run.tag("k", str(i))
            i += 1
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        other.complete()
        say(i)
        say(next(numbers))
    """)
    assert child.heard() == "ready"
    while child.poll() is None:
        time.sleep(0.001)
        child.send_signal(signal.SIGUSR1)
    logged, handled = map(int, child.ended())

    run, other = Run(experiment, "handled"), Run(experiment, "other")
    assert handled > 100
    assert sorted(values(run, "i")) == list(range(logged))
    assert sorted(values(run, "handler")) == list(range(handled))
    assert sorted(values(other, "other")) == list(range(4, handled, 5))
    assert damaged_lines(run) == damaged_lines(other) == 0


def test_complete_while_threads_log(program, experiment, tmp_path):
    """Every call is stored or raises, and a descriptor that was given back never gets a line of ours."""
    program(
        """
        import json
        acked = {}
        def log(run, k):
            for i in range(400):
                run.log(f"thread{k}", i)
                acked.setdefault(run.id, []).append([k, i])
                if i % 50 == 0:
                    print("printed by", k)
        for attempt in range(15):
            with begin(run_id=f"threads{attempt}") as run:
                threads = [threading.Thread(target=log, args=(run, k)) for k in range(4)]
                for thread in threads:
                    thread.start()
                time.sleep(0.001 * attempt / 3)
            strangers = [open(f"{sys.argv[1]}/{attempt}-{n}", "w") for n in range(20)]  # they get the free numbers
            run.complete()
            for thread in threads:
                thread.join()
            for stranger in strangers:
                stranger.close()
                assert os.path.getsize(stranger.name) == 0, open(stranger.name).read()[:200]
        with open(sys.argv[1] + "/acks.json", "w") as out:
            json.dump(acked, out)
    """,
        tmp_path,
    ).ended()

    import json

    acked = json.loads((tmp_path / "acks.json").read_text())
    assert len(acked) == 15
    for run_id, calls in acked.items():
        run = Run(experiment, run_id)
        for k in range(4):
            assert values(run, f"thread{k}") == [i for thread, i in calls if thread == k] == list(range(400))
        assert run.get_status() == "Completed"
        assert damaged_lines(run) == 0


def test_what_is_printed_lands_in_no_strangers_file(program, tmp_path):
    """Threads print while a run's copy of the output is closed, and somebody else gets its descriptor."""
    program(
        """
        import io
        from pathlib import Path
        from azml_integrations.core.tee import teed
        sys.stdout = io.StringIO()
        stop = threading.Event()
        def shout():
            while not stop.is_set():
                print("loud")
        threads = [threading.Thread(target=shout) for _ in range(3)]
        for thread in threads:
            thread.start()
        sys.setswitchinterval(1e-5)
        for attempt in range(300):
            with teed(Path(sys.argv[1], "copy.txt")):
                time.sleep(0.0005)
            strangers = [open(f"{sys.argv[1]}/{n}", "w") for n in range(3)]
            time.sleep(0.0005)
            for stranger in strangers:
                stranger.close()
                assert os.path.getsize(stranger.name) == 0, open(stranger.name).read()[:100]
        stop.set()
        for thread in threads:
            thread.join()
        assert os.path.getsize(sys.argv[1] + "/copy.txt") > 0
    """,
        tmp_path,
    ).ended()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_log_stays_quick_beside_sixteen_writers(program, experiment, capsys):
    """No writer waits for another: the 99.9th percentile of log beside 16 busy processes."""
    writers = [
        program("""
            run = begin()
            say("ready")
            while True:
                run.log("i", 1.0)
        """)
        for _ in range(16)
    ]
    for writer in writers:
        assert writer.heard() == "ready"
    said = program("""
        run = begin()
        costs = []
        for i in range(200_000):
            began = time.thread_time_ns(), time.perf_counter_ns()
            run.log("i", 1.0)
            costs.append((time.perf_counter_ns() - began[1], time.thread_time_ns() - began[0]))
        wall, cpu = (sorted(cost) for cost in zip(*costs))
        say(" ".join(str(c[int(len(c) * q)]) for c in (wall, cpu) for q in (0.5, 0.999)))
    """).ended()
    for writer in writers:
        writer.killed()
    with capsys.disabled():
        os.write(1, f"\nlog beside 16 writers [ns]: wall p50, p99.9, cpu p50, p99.9 = {said}\n".encode())
    assert int(said[3]) < 1_000_000
