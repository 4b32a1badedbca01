"""Which run a training belongs to, and how that run ends."""

import gc
import os
import time

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from azml_integrations import autolog, current_run

LOOP = """
import azml_integrations
azml_integrations.autolog("torch")
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

def train(steps, model=model, optimizer=optimizer):
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 1)).backward()
        optimizer.step()
"""


def train(steps=3, model=None, optimizer=None):
    model = model or nn.Linear(4, 1)
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 1)).backward()
        optimizer.step()
    return model, optimizer


def values(run, name="mse_loss"):
    return [point.value for point in run.metric_points(name)]


def test_a_run_opens_at_the_first_step_and_not_before(runs):
    """A model that is only evaluated makes no run."""
    model, optimizer = nn.Linear(4, 1), None
    with torch.no_grad():
        F.mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 1))
    assert runs() == []

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert runs() == []
    train(1, model, optimizer)

    (run,) = runs()
    assert run.get_status() == "Running"
    assert current_run() == run
    assert run.name == "Linear"


def test_a_program_that_ends_completes_its_run(script, experiment):
    """And says in one line what was logged, and where."""
    done = script(LOOP + "train(3)\n")

    (run,) = experiment.get_runs()
    assert run.get_status() == "Completed"
    assert len(values(run)) == 3
    last = values(run)[-1]
    assert f"azml: Linear: 3 steps of SGD, mse_loss {last:.4g}; see it with: azml run show {run.id}\n" in done.stderr


def test_silence_is_kept(script):
    """No line at the end."""
    assert "azml: " not in script(LOOP.replace('"torch"', '"torch", silent=True') + "train(3)\n").stderr


def test_a_program_that_crashes_in_an_epoch_fails_its_run(script, experiment):
    """With its traceback, and with every step up to there; a loss that no backward pass followed is none."""
    script(LOOP + "train(3)\nloss = F.mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 1))\n1 / 0\n", fails=True)

    (run,) = experiment.get_runs()
    assert run.get_status() == "Failed"
    assert "ZeroDivisionError" in str(run.get_details()["error"])
    assert len(values(run)) == 3
    assert values(run, "eval_mse_loss") == []


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ('raise ValueError("in the middle")', "Failed"),
        ("raise KeyboardInterrupt", "Failed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "Canceled"),
    ],
)
def test_an_epoch_that_a_crash_broke_off_has_no_mean(script, experiment, end, status):
    """Half an epoch's mean would look like an epoch's."""
    script(
        LOOP
        + """
from torch.utils.data import DataLoader, TensorDataset
data = DataLoader(TensorDataset(torch.ones(8, 4), torch.zeros(8, 1)), batch_size=2)
for epoch in range(3):
    for number, (x, y) in enumerate(data):
        F.mse_loss(model(x), y).backward()
        optimizer.step()
        if epoch == 2 and number == 1:
"""
        + f"            {end}\n",
        fails=True,
    )

    (run,) = experiment.get_runs()
    assert run.get_status() == status
    assert values(run, "epoch") == [1, 2]
    assert len(values(run)) == 10


def test_a_users_run_takes_it_all(experiment, runs):
    """Inside ``with start_logging()`` nothing else is begun; the run is complete when the block is left."""
    with experiment.start_logging() as mine:
        train(3)
        train(2)

    (run,) = runs()
    assert run == mine
    assert (len(values(run)), len(values(run, "mse_loss_2"))) == (3, 2)
    assert run.get_status() == "Completed"


def test_the_same_optimizer_in_two_runs_is_told_in_each(experiment, runs):
    """Each run counts its own steps."""
    with experiment.start_logging() as first:
        model, optimizer = train(3)
    with experiment.start_logging() as second:
        train(2, model, optimizer)

    assert [point.step for point in first.metric_points("mse_loss")] == [1, 2, 3]
    assert [point.step for point in second.metric_points("mse_loss")] == [1, 2]
    assert second.properties["param.optimizer"] == "SGD"


def test_a_run_that_the_user_has_ended_gets_no_more(experiment, runs):
    """A later step of the same optimizer begins a run of its own."""
    with experiment.start_logging() as mine:
        model, optimizer = train(3)
    train(2, model, optimizer)

    first, second = runs()
    assert (first, len(values(first)), len(values(second))) == (mine, 3, 2)


def test_a_child_run_in_a_loop_takes_its_steps(experiment, runs):
    """The innermost run is the current one."""
    with experiment.start_logging() as parent:
        model, optimizer = train(1)
        with parent.child_run("fold") as child:
            train(2, model, optimizer)
        train(3, model, optimizer)

    assert len(values(parent)) == 4
    assert len(values(child)) == 2


def test_a_failing_block_keeps_what_was_seen(experiment, runs):
    """The run is Failed, with every step."""
    run = experiment.start_logging()

    def crash():
        with run:
            train(3)
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        crash()

    assert run.get_status() == "Failed"
    assert len(values(run)) == 3


def test_an_error_of_long_ago_is_no_crash(experiment, runs, monkeypatch):
    """IPython keeps the last exception; a block that ends well is whole all the same."""
    import sys

    monkeypatch.setattr(sys, "last_value", ValueError("of an earlier cell"), raising=False)
    with experiment.start_logging() as run:
        model, _ = train(2)
        F.mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 1))

    assert len(values(run, "eval_mse_loss")) == 1


def test_turning_autolog_off_completes_what_we_began(runs):
    """Nobody else would end it before the program does."""
    train(2)
    autolog(False)

    (run,) = runs()
    assert run.get_status() == "Completed"
    assert len(values(run)) == 2


def test_evaluation_in_a_users_run_needs_no_training(experiment, runs):
    """A model that was trained elsewhere."""
    with experiment.start_logging() as run, torch.no_grad():
        loss = F.mse_loss(torch.ones(3), torch.zeros(3)).item()
        F.mse_loss(torch.ones(3) * 2, torch.zeros(3))

    assert values(run, "eval_mse_loss") == [loss, 4.0]


def test_an_optimizer_is_not_kept_alive(runs):
    """Nor its model."""
    import weakref

    model, optimizer = train(2)
    alive = [weakref.ref(model), weakref.ref(optimizer)]
    del model, optimizer
    gc.collect()

    assert [reference() for reference in alive] == [None, None]


def test_many_optimizers_are_told_up_to_a_number(runs, notes):
    """Each has metrics of its own; a loop that makes thousands of them is cut short, and says so."""
    for _ in range(10):
        train(1)
    autolog(False)

    (run,) = runs()
    assert run.properties["param.optimizer_8"] == "SGD"
    assert "param.optimizer_9" not in run.properties
    assert [note for note in notes(run) if "first 8" in note]


def test_two_threads_have_runs_of_their_own(runs):
    """Each trains in a context of its own."""
    import threading

    threads = [threading.Thread(target=train, args=(steps,)) for steps in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    autolog(False)

    assert sorted(len(values(run)) for run in runs()) == [2, 3]


# -- other processes ---------------------------------------------------------------------------------


def test_ranks_after_the_first_are_silent(runs, monkeypatch):
    """As torchrun sets them."""
    monkeypatch.setenv("RANK", "1")
    train(3)

    assert runs() == []


def test_two_processes_of_gloo_make_one_run(script, experiment):
    """``torch.multiprocessing.spawn``: no variable tells the rank, the group does."""
    done = script(
        """
import azml_integrations
azml_integrations.autolog("torch")
import os, torch
from torch import nn
import torch.distributed, torch.multiprocessing
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel

def work(rank, address):
    torch.distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    torch.manual_seed(0)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.mse_loss(model(torch.full((8, 4), rank + 1.0)), torch.zeros(8, 1)).backward()
        optimizer.step()
    torch.distributed.destroy_process_group()

if __name__ == "__main__":
    torch.multiprocessing.spawn(work, args=(f"file://{os.getcwd()}/meet",), nprocs=2)
"""
    )

    (run,) = experiment.get_runs()
    assert run.get_status() == "Completed"
    assert len(values(run)) == 4
    assert run.properties["model"] == "Sequential"
    assert done.stderr.count("azml: ") == 1


class Noisy(Dataset):
    """A data set that computes a loss for each item."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        with torch.no_grad():
            F.mse_loss(torch.ones(2), torch.zeros(2))
        return torch.ones(4), torch.zeros(1)


def test_workers_that_load_data_are_silent(experiment, runs):
    """They start no run and write into none."""
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with experiment.start_logging() as run:
        for _ in range(2):
            for x, y in DataLoader(Noisy(), batch_size=2, num_workers=2):
                optimizer.zero_grad()
                F.mse_loss(model(x), y).backward()
                optimizer.step()

    assert runs() == [run]
    assert values(run, "eval_mse_loss") == []
    assert values(run, "epoch") == [1, 2]
    assert len(values(run)) == 8


def test_persistent_workers_make_epochs_too(only):
    """Their iterator is one and the same object in every epoch."""
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(Noisy(), batch_size=4, num_workers=1, persistent_workers=True)
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()

    assert values(only(), "epoch") == [1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_trains_in_a_run_of_its_own(runs):
    """What waited to be written is its parent's alone."""
    model, optimizer = train(3)
    child = os.fork()
    if not child:
        code = 1
        try:
            train(2)
            autolog(False)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    train(1, model, optimizer)
    autolog(False)

    assert sorted(len(values(run)) for run in runs()) == [2, 4]


def test_a_killed_program_loses_a_second_at_most(script, experiment):
    """What was seen earlier is on the disk."""
    script(
        LOOP + "train(5)\nimport os, signal, time\ntime.sleep(2.5)\ntrain(2)\nos.kill(os.getpid(), signal.SIGKILL)\n",
        fails=True,
    )

    (run,) = experiment.get_runs()
    assert len(values(run)) >= 5
    assert run.get_status() == "Failed"


def test_a_live_run_is_written_about_once_a_second(runs):
    """A page beside it shows what happens now."""
    from azml_torch.session import LISTENING

    train(3)
    run = current_run()
    deadline = time.monotonic() + 10
    while len(run.metric_points("mse_loss")) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)

    assert len(LISTENING) == 1
    assert len(run.metric_points("mse_loss")) == 3
    assert run.get_status() == "Running"


# -- notebooks ---------------------------------------------------------------------------------------


def executed(*cells, fails=False):
    """Run cells in a real kernel, and return what they printed on standard error."""
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=100, allow_errors=fails).execute()
    return [
        "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stderr")
        for cell in book.cells
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # nbclient 0.10 and jupyter_client 8 on Python 3.11
def test_in_a_notebook_a_run_ends_with_its_cell(experiment):
    """A later step of the same optimizer goes on with it; a new optimizer begins another."""
    evaluate = "with torch.no_grad():\n    F.mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 1))"
    again = "model = nn.Linear(4, 1)\nother = torch.optim.Adam(model.parameters(), lr=0.1)\ntrain(2, model, other)"
    status = (
        "import azml_integrations\n"
        "runs = list(azml_integrations.Experiment(azml_integrations.Workspace.from_config(), 'exp').get_runs())\n"
        "assert [run.get_status() for run in runs] == ['Completed'] * {}, runs\n"
        "assert len(runs[-1].metric_points('mse_loss')) == {}"
    )
    told = executed(
        LOOP, "train(3)", status.format(1, 3), evaluate, "train(2)", status.format(1, 5), again, status.format(2, 5)
    )

    second, first = experiment.get_runs()
    assert [len(values(run)) for run in (first, second)] == [5, 2]
    assert [point.step for point in first.metric_points("eval_mse_loss")] == [3]
    assert [run.properties["param.optimizer"] for run in (first, second)] == ["SGD", "Adam"]
    assert [run.get_status() for run in (first, second)] == ["Completed", "Completed"]
    assert f"3 steps of SGD, mse_loss {values(first)[2]:.4g}; see it with: azml run show {first.id}" in told[1]
    assert f"5 steps of SGD, mse_loss {values(first)[4]:.4g}, eval_mse_loss" in told[4]
    assert f"azml run show {first.id}" in told[4]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
def test_in_a_notebook_a_cell_that_raises_fails_its_run(experiment):
    """With the traceback of the cell."""
    executed(LOOP, "train(3)\n1 / 0", fails=True)

    (run,) = experiment.get_runs()
    assert run.get_status() == "Failed"
    assert "ZeroDivisionError" in str(run.get_details()["error"])
    assert len(values(run)) == 3
