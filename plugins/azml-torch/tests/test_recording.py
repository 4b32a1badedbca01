"""From records to points: rates, order, the writer."""

import threading
import time
from types import SimpleNamespace

import pytest
import torch
from test_losses import as_list, train
from test_readings import Slow

from azml_integrations import autolog, current_run
from azml_torch import recording
from azml_torch.readings import DeviceNumbers
from azml_torch.recording import Mean, Rate


def test_a_mean_is_weighted():
    """A short last batch counts for less."""
    mean = Mean()
    mean.add(1.0, 3.0)
    mean.add(5.0, 1.0)
    assert mean.value == 2.0


def test_a_rate_leaves_pauses_out():
    """Ten steps in a second, whatever was evaluated between them."""
    rate = Rate()
    for number in range(6):
        rate.step(number / 10, 32)
    rate.last = None  # an evaluation of a minute
    for number in range(6):
        rate.step(60 + number / 10, 32)

    assert rate.point() == pytest.approx({"steps_per_second": 10.0, "samples_per_second": 320.0})
    assert rate.point() == {}


@pytest.mark.parametrize("paused", [False, True])
def test_steps_counted_together_make_the_same_rate(paused):
    """As one by one, also after a pause."""
    from azml_torch.losses import Loss
    from azml_torch.recording import PlainStep

    steps = [PlainStep(None, n, n / 10, Loss("l", 1.0, 30 + n, 0, 0), None) for n in range(1, 9)]
    single, together = (Rate(last=None if paused else 0.05) for _ in range(2))
    for step in steps:
        single.step(step.at, step.samples())
    together.steps_of(steps[:1])
    together.steps_of(steps[1:5])
    together.steps_of(steps[5:])

    assert together.last == single.last
    assert together.point() == pytest.approx(single.point())


def test_plain_steps_share_a_line(only, model, batches):
    """A line of the journal holds many of them; steps of another kind between them keep their place."""
    from azml_integrations import journal
    from azml_integrations.records import ColumnsLogged, Cursor

    train(model, batches, steps=40)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = torch.nn.functional.mse_loss(model(batches[0]), batches[1])
    loss.backward(retain_graph=True)
    loss.backward()
    optimizer.step()

    run = only()
    (path,) = journal.files(run._folder)
    events = [event for batch in journal.read(path, Cursor()) for event in batch.events]
    held = [len(event.times) for event in events if isinstance(event, ColumnsLogged)]
    assert sum(held) == 39  # the first says its learning rate too
    assert len(held) < 10
    assert [point.step for point in run.metric_points("mse_loss")] == list(range(1, 41))


def test_a_point_of_the_rate_comes_once_a_second(runs, model, batches, monkeypatch):
    """However many steps are told at once, it stands at the step that filled the second."""
    from azml_torch import session

    now = int(time.time())
    clock = iter(now + number / 8 for number in range(1000))
    monkeypatch.setattr(session, "time", SimpleNamespace(time=lambda: next(clock)))
    (listening,) = session.LISTENING
    with listening.recorder.held():
        train(model, batches, steps=35)
    run = current_run()
    runs()

    assert [point.step for point in run.metric_points("steps_per_second")] == [9, 17, 25, 33]
    assert as_list(run, "steps_per_second") == [8.0] * 4
    autolog(False)


def test_rates_are_logged_at_the_end_of_a_short_training(only, model, batches):
    """And once a second of a long one."""
    began = time.perf_counter()
    train(model, batches, steps=20)
    elapsed = time.perf_counter() - began

    run = only()
    (rate,) = as_list(run, "steps_per_second")
    (samples,) = as_list(run, "samples_per_second")
    assert rate > 19 / elapsed * 0.9
    assert samples == pytest.approx(32 * rate)


def test_a_metric_in_each_step_leaves_the_rates(only, model, batches):
    """A criterion beside the loss, which nothing is trained on, is no evaluation that training waits for."""
    x, y = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        answers = model(x)
        torch.nn.functional.mse_loss(answers, y).backward()
        torch.nn.functional.l1_loss(answers.detach(), y)
        optimizer.step()

    run = only()
    assert len(as_list(run, "eval_l1_loss")) > 1
    assert len(as_list(run, "samples_per_second")) == 1


def test_peak_memory_stands_beside_the_rates(only, model, batches, monkeypatch):
    """On CUDA, where asking waits for nothing."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 123_456)
    train(model, batches)

    assert as_list(only(), "max_memory_allocated") == [123_456]


def test_samples_are_those_of_the_loader_where_rows_are_more(only):
    """The logits of a sequence are a row for each token."""
    from torch import nn
    from torch.nn import functional
    from torch.utils.data import DataLoader, TensorDataset

    layer = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for tokens, labels in DataLoader(TensorDataset(torch.ones(8, 5, 4), torch.zeros(8, 5, dtype=int)), batch_size=2):
        functional.cross_entropy(layer(tokens).flatten(0, 1), labels.flatten()).backward()
        optimizer.step()

    run = only()
    (rate,), (samples,) = as_list(run, "steps_per_second"), as_list(run, "samples_per_second")
    assert samples == pytest.approx(2 * rate)


def test_points_wait_in_order_for_a_slow_device(runs, model, batches, monkeypatch):
    """A step whose loss is still on its device holds back those behind it, and no training waits."""
    from azml_torch.session import LISTENING

    (session,) = LISTENING
    slow = DeviceNumbers(Slow())
    monkeypatch.setattr("azml_torch.session.is_transformed", lambda tensor: True)  # the short way is the CPU's
    read = session.numbers.read
    monkeypatch.setattr(session.numbers, "read", lambda tensor: slow.put(read(tensor)))
    session.numbers.devices[torch.device("cpu")] = slow

    losses = train(model, batches, steps=4)
    session.recorder.drain()
    run = current_run()
    assert as_list(run, "mse_loss") == []

    session.numbers.finish()
    session.recorder.drain()
    assert as_list(run, "mse_loss") == losses
    autolog(False)


def test_a_long_training_is_written_while_it_goes_on(runs, model, batches):
    """The writer is woken by a full batch of records."""
    losses = train(model, batches, steps=3 * recording.BATCH)
    autolog(False)

    (run,) = runs()
    assert as_list(run, "mse_loss") == losses
    points = run.metric_points("mse_loss")
    assert [point.step for point in points] == list(range(1, 3 * recording.BATCH + 1))
    assert [point.at for point in points] == sorted(point.at for point in points)


def test_the_writer_rests_when_nothing_comes(runs, model, batches, monkeypatch):
    """Its thread ends, and a later step begins another."""
    monkeypatch.setattr(recording, "PAUSE", 0.01)
    monkeypatch.setattr(recording, "IDLE", 2)

    def writers():
        return [thread for thread in threading.enumerate() if thread.name == "azml-torch"]

    train(model, batches, steps=2)
    deadline = time.monotonic() + 10
    while writers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert writers() == []
    train(model, batches, steps=1)
    assert len(writers()) == 1
    autolog(False)


def test_a_full_disk_is_told_once_and_training_goes_on(experiment, model, batches, monkeypatch):
    """The journal refuses; the model learns."""
    from azml_integrations import Run
    from azml_integrations.errors import AutologWarning, StoreError

    def refuse(self, moments):
        raise StoreError("/disk", OSError("no space left"))

    autolog("torch", silent=True)
    train(model, batches, steps=1)
    monkeypatch.setattr(Run, "log_moments", refuse)
    from azml_torch.session import LISTENING

    def twice():
        for _ in range(2):
            train(model, batches, steps=2)
            LISTENING[0].recorder.drain()

    with pytest.warns(AutologWarning, match="no space left") as told:
        twice()

    assert len(told) == 1
