"""Too many open files: it is said, and when some are closed everything goes on."""

from worlds import damaged_lines, values

from azml_integrations.core import Run


def test_too_many_open_files_is_said_and_passes(program, experiment):
    """What needs a file raises StoreError, what has one goes on, and no answer is wrong meanwhile."""
    said = program("""
        import resource
        running, other = begin(run_id="running"), begin(run_id="other")
        running.log("i", 0)
        other.log("i", 0)
        attached = Run(experiment, "other")
        Experiment(workspace, "trials").tags
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        held = []
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        for attempt in (
            begin,
            lambda: attached.log("i", 1),
            lambda: attached.upload_file("a.txt", "/proc/self/status"),
            lambda: experiment.tag("k", "v"),
            lambda: running.get_metrics(),
            lambda: list(experiment.get_runs()),
            lambda: workspace.get_run("other"),
            lambda: running.download_file("nothing"),
        ):
            try:
                answer = attempt()
            except errors.StoreError as error:
                assert "Too many open files" in error.message, error
            else:
                raise SystemExit(f"nothing was raised, the answer was {answer!r}")
        running.log("i", 1)
        running.tag("meanwhile", "yes")
        for fd in held:
            os.close(fd)
        attached.log("i", 1)
        running.log("i", 2)
        third = begin(run_id="third")
        third.complete()
        assert running.get_metrics() == {"i": [0, 1, 2]}, running.get_metrics()
        assert sorted(run.id for run in experiment.get_runs()) == ["other", "running", "third"]
        running.complete()
        other.complete()
        say("done")
    """).ended()

    assert said == ["done"]
    assert values(Run(experiment, "running"), "i") == [0, 1, 2]
    assert values(Run(experiment, "other"), "i") == [0, 1]
    assert Run(experiment, "running").tags == {"meanwhile": "yes"}
    assert damaged_lines(Run(experiment, "running")) == 0
