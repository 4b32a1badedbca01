"""Traces of `torch.profiler` become files of the run."""

import gzip
import json

import pytest
import torch
from torch.profiler import ProfilerActivity, profile, schedule

from azml_integrations.errors import AutologWarning, UserErrorException
from azml_torch import trace_handler


def profiled(handler, steps=1, **more):
    with profile(activities=[ProfilerActivity.CPU], on_trace_ready=handler, **more) as profiler:
        for _ in range(steps):
            torch.ones(16, 16) @ torch.ones(16, 16)
            profiler.step()


def traces(run):
    return [name for name in run.get_file_names() if name.startswith("outputs/profile/")]


def operations(run, name):
    trace = json.loads(gzip.decompress(run._read(name)))
    return {event.get("name") for event in trace["traceEvents"]}


def test_a_trace_is_stored(run):
    """As Chrome and Perfetto read it, packed; what took longest is a table."""
    profiled(trace_handler(run))
    assert traces(run) == ["outputs/profile/trace.json.gz"]
    assert "aten::mm" in operations(run, "outputs/profile/trace.json.gz")
    table = run.get_metrics()["trace_operations"]
    row = table["operation"].index("aten::mm")
    assert table["calls"][row] == 1
    assert table["cpu_time"][row] > 0
    spent = [cpu + device for cpu, device in zip(table["cpu_time"], table["device_time"], strict=True)]
    assert spent == sorted(spent, reverse=True)


def test_each_round_of_a_schedule_has_its_own(run):
    """Three rounds of a step to warm up and an active one: none is replaced."""
    profiled(trace_handler(run, name="epoch"), 6, schedule=schedule(wait=0, warmup=1, active=1))
    names = [f"outputs/profile/epoch{number}.json.gz" for number in ("", "_2", "_3")]
    assert traces(run) == sorted(names)
    assert all("aten::mm" in operations(run, name) for name in names)


def test_without_a_run_it_is_the_current_one(run):
    """At the moment when the trace is ready."""
    handler = trace_handler()
    with run:
        profiled(handler)
    assert traces(run) == ["outputs/profile/trace.json.gz"]


def test_trouble_of_ours_is_not_the_trainings(run, monkeypatch, notes):
    """One warning, a note, and the profiler ends as it would have."""
    monkeypatch.setattr("azml_torch.profiling.gzip.compress", lambda *_, **__: 1 / 0)
    with pytest.warns(AutologWarning, match="torch profiler: ZeroDivisionError"):
        profiled(trace_handler(run))
    assert notes(run) == ["ZeroDivisionError: division by zero"]


def test_what_does_not_fit_is_told_at_once(run):
    """Not after an hour of training."""
    with pytest.raises(UserErrorException, match="expected a Run"):
        trace_handler("run")
    with pytest.raises(UserErrorException, match="expected a plain file name"):
        trace_handler(run, name="../trace")
