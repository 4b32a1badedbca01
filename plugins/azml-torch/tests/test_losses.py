"""Losses have the names and values that a user would have written down."""

import copy
import gc
import warnings
import weakref

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.functional import mse_loss as imported_before
from torch.utils.data import DataLoader, TensorDataset

from azml_integrations import autolog


def train(model, batches, steps=5, criterion=None, **settings):
    """Train plainly, and return the losses."""
    inputs, targets = batches
    criterion = criterion or F.mse_loss
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, **settings)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def as_list(run, name):
    return [point.value for point in run.metric_points(name)]


def steps_of(run, name):
    return [point.step for point in run.metric_points(name)]


@pytest.mark.parametrize("criterion", [F.mse_loss, nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(), nn.SmoothL1Loss()])
def test_a_criterion_gives_its_name(only, model, batches, criterion):
    """Modules and functions alike, one point for each step."""
    names = {"MSELoss": "mse_loss", "L1Loss": "l1_loss", "HuberLoss": "huber_loss", "SmoothL1Loss": "smooth_l1_loss"}
    call = criterion if isinstance(criterion, nn.Module) else F.mse_loss  # the one that stands there now
    name = names.get(type(criterion).__name__, "mse_loss")

    losses = train(model, batches, criterion=call)

    run = only()
    assert as_list(run, name) == losses
    assert steps_of(run, name) == [1, 2, 3, 4, 5]
    assert not any(summary.name.startswith("eval") for summary in run.metric_summaries())


def test_a_name_imported_before_is_known_by_its_node(only, model, batches):
    """What was imported before autolog() cannot be replaced; the backward pass begins at its node."""
    losses = train(model, batches, criterion=imported_before)

    assert as_list(only(), "mse_loss") == losses


def test_a_cross_entropy_imported_before_is_no_nll_loss(only):
    """Both end in the same node; one has a softmax under it."""
    autolog(False)
    before = F.cross_entropy
    autolog("torch", silent=True)
    layer, inputs, labels = nn.Linear(4, 3), torch.randn(8, 4), torch.arange(8) % 3

    losses = train(layer, (inputs, labels), criterion=before)

    assert as_list(only(), "cross_entropy") == losses


def test_a_loss_written_by_hand_is_called_loss(only, model, batches):
    """It is where the backward pass begins."""
    losses = train(model, batches, criterion=lambda output, target: ((output - target) ** 2).mean())

    assert as_list(only(), "loss") == losses


def test_a_criterion_without_reduction_gives_its_name_to_the_mean(only, model, batches):
    """``reduction="none"`` and a mean behind it is that criterion."""
    losses = train(model, batches, criterion=lambda o, t: F.mse_loss(o, t, reduction="none").mean())

    run = only()
    assert as_list(run, "mse_loss") == losses
    assert as_list(run, "loss") == []


def test_the_parts_of_a_sum_and_the_sum(only, model, batches):
    """Each criterion under its name, and what is trained on."""
    parts = []

    def both(output, target):
        mse, l1 = F.mse_loss(output, target), F.l1_loss(output, target)
        parts.append((mse.item(), l1.item()))
        return mse + 0.1 * l1

    losses = train(model, batches, criterion=both)

    run = only()
    assert list(zip(as_list(run, "mse_loss"), as_list(run, "l1_loss"), strict=True)) == parts
    assert as_list(run, "loss") == losses


def test_a_penalty_makes_another_loss(only, model, batches):
    """The criterion alone is not what is minimised."""
    weight = model[0].weight

    losses = train(model, batches, criterion=lambda o, t: F.mse_loss(o, t) + 0.01 * weight.square().sum())

    run = only()
    assert as_list(run, "loss") == losses
    assert len(as_list(run, "mse_loss")) == 5


@pytest.mark.parametrize("in_place", [True, False])
def test_accumulated_losses_are_those_of_the_whole_batch(only, model, batches, in_place):
    """``loss /= 4`` four times is one step with the mean of four; a later change of a tensor changes nothing."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    expected = []
    for _ in range(3):
        expected.append(((model(inputs) - targets) ** 2).mean().item())
        for part in range(4):
            rows = slice(8 * part, 8 * part + 8)
            loss = F.mse_loss(model(inputs[rows]), targets[rows])
            if in_place:
                loss /= 4
            else:
                loss = loss / 4
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    run = only()
    assert as_list(run, "mse_loss") == pytest.approx(expected, rel=1e-6)
    assert steps_of(run, "mse_loss") == [1, 2, 3]
    assert as_list(run, "loss") == []


def test_accumulated_losses_by_hand_are_joined_as_they_were_divided(only, model, batches):
    """Four quarters make a whole."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    expected = ((model(inputs) - targets) ** 2).mean().item()
    for part in range(4):
        rows = slice(8 * part, 8 * part + 8)
        (((model(inputs[rows]) - targets[rows]) ** 2).mean() / 4).backward()
    optimizer.step()

    assert as_list(only(), "loss") == pytest.approx([expected], rel=1e-6)


def test_a_sum_of_micro_batches_is_their_mean(only, model, batches):
    """One backward pass over several calls of a criterion."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    parts = [F.mse_loss(model(inputs[rows]), targets[rows]) for rows in (slice(16), slice(16, 32))]
    sum(parts).backward()
    optimizer.step()

    run = only()
    assert as_list(run, "mse_loss") == pytest.approx([sum(part.item() for part in parts) / 2])
    assert as_list(run, "loss") == pytest.approx([sum(part.item() for part in parts)])


def test_evaluation_is_told_apart(only, model, batches):
    """Under no_grad, under inference_mode, and without a backward pass."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    trained, evaluated = [], []
    for epoch in range(3):
        optimizer.zero_grad()
        loss = F.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        trained.append(loss.item())
        model.eval()
        with [torch.no_grad, torch.inference_mode, torch.enable_grad][epoch]():
            evaluated.append(F.mse_loss(model(inputs), targets).item())
        model.train()

    run = only()
    assert as_list(run, "mse_loss") == trained
    assert as_list(run, "eval_mse_loss") == evaluated
    assert steps_of(run, "eval_mse_loss") == [1, 2, 3]


def test_an_evaluation_with_gradients_between_two_steps_is_no_training(only, model, batches):
    """It is not averaged into the next step's loss."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    trained, evaluated = [], []
    for _ in range(4):
        evaluated.append(F.mse_loss(model(inputs) + 1, targets).item())
        optimizer.zero_grad()
        loss = F.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        trained.append(loss.item())

    run = only()
    assert as_list(run, "mse_loss") == trained
    assert as_list(run, "eval_mse_loss") == evaluated


def test_a_pass_over_validation_data_is_one_point(only, model, batches):
    """The mean over its batches, weighted by their samples: the loss of the whole data."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    training = DataLoader(TensorDataset(inputs, targets), batch_size=8)
    validation = DataLoader(TensorDataset(inputs, targets), batch_size=12)
    whole, means = [], []
    for _ in range(2):
        losses = []
        for x, y in training:
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(sum(losses) / 4)
        with torch.no_grad():
            for x, y in validation:
                F.mse_loss(model(x), y)
            whole.append(((model(inputs) - targets) ** 2).mean().item())

    run = only()
    assert as_list(run, "eval_mse_loss") == pytest.approx(whole, rel=1e-6)
    assert steps_of(run, "eval_mse_loss") == [4, 8]
    assert as_list(run, "train_mse_loss") == pytest.approx(means, rel=1e-6)
    assert as_list(run, "epoch") == [1, 2]
    assert steps_of(run, "epoch") == [4, 8]
    assert len(as_list(run, "mse_loss")) == 8


def test_validation_in_the_middle_begins_no_epoch(only, model, batches):
    """Its data loader is another one, and that of the epoch goes on."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = TensorDataset(inputs, targets)
    for _ in range(2):
        for number, (x, y) in enumerate(DataLoader(data, batch_size=4)):
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()
            if number == 3:
                for a, b in DataLoader(data, batch_size=16):
                    with torch.no_grad():
                        F.mse_loss(model(a), b)

    run = only()
    assert steps_of(run, "epoch") == [8, 16]
    assert steps_of(run, "eval_mse_loss") == [4, 12]


def test_steps_after_the_last_epoch_are_in_none(only, model, batches):
    """A loader that nobody iterates over any more begins no epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(*batches), batch_size=16)
    for _ in range(2):
        for x, y in loader:
            F.mse_loss(model(x), y).backward()
            optimizer.step()
    with torch.no_grad():
        F.mse_loss(model(batches[0]), batches[1])
    for _ in range(3):
        F.mse_loss(model(batches[0]), batches[1]).backward()
        optimizer.step()

    run = only()
    assert steps_of(run, "epoch") == [2, 4]
    assert len(as_list(run, "mse_loss")) == 7


def test_evaluation_with_gradients_does_not_pile_up(experiment, runs, model, batches):
    """Nobody forgets it, and nobody keeps it in memory until a step that never comes."""
    from azml_torch.session import LISTENING, MOST_PENDING

    with experiment.start_logging() as run:
        losses = [F.mse_loss(model(batches[0]) * number, batches[1]).item() for number in range(MOST_PENDING + 50)]
        assert len(LISTENING[0].here.seen.losses) <= MOST_PENDING
        train(model, batches, steps=1)

    assert as_list(run, "eval_mse_loss") == losses


def test_a_single_batch_drawn_is_no_epoch(only, model, batches):
    """``next(iter(loader))`` at each step."""
    loader = DataLoader(TensorDataset(*batches), batch_size=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        x, y = next(iter(loader))
        F.mse_loss(model(x), y).backward()
        optimizer.step()

    assert as_list(only(), "epoch") == []


def test_two_optimizers_have_losses_and_rates_of_their_own(only):
    """What the second one trains on is called so."""
    generator, critic = nn.Linear(2, 2), nn.Linear(2, 1)
    first = torch.optim.Adam(critic.parameters(), lr=0.01)
    second = torch.optim.Adam(generator.parameters(), lr=0.02)
    ones, zeros = torch.ones(8, 1), torch.zeros(8, 1)
    of_critic, of_generator = [], []
    for _ in range(3):
        made = generator(torch.randn(8, 2))
        real = F.binary_cross_entropy_with_logits(critic(torch.randn(8, 2)), ones)
        fake = F.binary_cross_entropy_with_logits(critic(made.detach()), zeros)
        first.zero_grad()
        (real + fake).backward()
        first.step()
        of_critic.append((real + fake).item())
        second.zero_grad()
        loss = F.binary_cross_entropy_with_logits(critic(made), ones)
        loss.backward()
        second.step()
        of_generator.append(loss.item())

    run = only()
    assert as_list(run, "loss") == of_critic
    assert as_list(run, "binary_cross_entropy_with_logits") == pytest.approx([value / 2 for value in of_critic])
    assert as_list(run, "binary_cross_entropy_with_logits_2") == of_generator
    assert steps_of(run, "binary_cross_entropy_with_logits_2") == [1, 2, 3]
    assert (as_list(run, "lr"), as_list(run, "lr_2")) == ([0.01], [0.02])
    assert run.properties["param.optimizer_2"] == "Adam"
    assert not any(summary.name.startswith("eval") for summary in run.metric_summaries())


def test_losses_computed_before_either_backward_pass_go_to_their_optimizers(only):
    """The graph says which loss an optimizer was given, not the order of the calls."""
    one, two = nn.Linear(2, 1), nn.Linear(2, 1)
    first, second = torch.optim.SGD(one.parameters(), lr=0.1), torch.optim.SGD(two.parameters(), lr=0.1)
    x, expected = torch.ones(4, 2), []
    for _ in range(3):
        a, b = F.mse_loss(one(x), torch.zeros(4, 1)), F.mse_loss(two(x), torch.ones(4, 1))
        expected.append((a.item(), b.item()))
        first.zero_grad()
        a.backward()
        first.step()
        second.zero_grad()
        b.backward()
        second.step()

    run = only()
    assert list(zip(as_list(run, "mse_loss"), as_list(run, "mse_loss_2"), strict=True)) == expected


def test_lbfgs_logs_what_its_step_returns(only, model, batches):
    """The closure is evaluated often; the first evaluation is the loss of the step."""
    inputs, targets = batches
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=5)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(inputs), targets)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(3)]

    run = only()
    assert as_list(run, "mse_loss") == losses
    assert steps_of(run, "mse_loss") == [1, 2, 3]


def test_a_learning_rate_is_logged_when_it_changes(only, model, batches):
    """Groups have their own; a scheduler does not warn."""
    inputs, targets = batches
    groups = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.5}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step()

    run = only()
    assert as_list(run, "lr") == pytest.approx([0.1, 0.01])
    assert steps_of(run, "lr") == [1, 3]
    assert as_list(run, "lr_group_1") == pytest.approx([0.5, 0.05])
    assert run.properties["param.lr"] == "0.1"
    assert run.properties["param.lr_group_1"] == "0.5"


def test_groups_of_a_second_optimizer_have_its_number(only, model, batches):
    """``lr_2``, and ``lr_2_group_1`` for its second group."""
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.SGD([{"params": [model[2].weight]}, {"params": [model[2].bias], "lr": 0.3}], lr=0.2)
    F.mse_loss(model(batches[0]), batches[1]).backward()
    torch.nn.utils.clip_grad_norm_(model[0].parameters(), 1.0)
    first.step()
    torch.nn.utils.clip_grad_norm_(model[2].parameters(), 1.0)
    second.step()

    run = only()
    assert (as_list(run, "lr"), as_list(run, "lr_2"), as_list(run, "lr_2_group_1")) == ([0.1], [0.2], [0.3])
    assert (len(as_list(run, "grad_norm")), len(as_list(run, "grad_norm_2"))) == (1, 1)
    assert run.properties["param.lr_2_group_1"] == "0.3"


def test_a_stream_of_data_has_epochs_and_is_not_asked_for_its_length(only, model, batches):
    """A loader over a stream remembers that it was asked, and warns of it later."""

    class Stream(torch.utils.data.IterableDataset):
        def __len__(self):
            return 1  # far from true

        def __iter__(self):
            return iter(list(zip(*batches, strict=True)))

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for x, y in DataLoader(Stream(), batch_size=8):
            F.mse_loss(model(x), y).backward()
            optimizer.step()

    assert steps_of(only(), "epoch") == [4, 8]


def test_a_learning_rate_that_is_a_tensor_is_seen_to_change(only, model, batches):
    """It stays the same object."""
    rate = torch.tensor(0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, foreach=False)
    for _ in range(4):
        optimizer.zero_grad()
        F.mse_loss(model(batches[0]), batches[1]).backward()
        optimizer.step()
        if optimizer.param_groups[0]["lr"] is rate and _ == 1:
            rate.mul_(0.5)

    assert as_list(only(), "lr") == pytest.approx([0.1, 0.05])


def test_mixed_precision_logs_unscaled_losses_and_the_scale(only, model, batches):
    """A step that is left out is counted, and its loss is not averaged into the next one."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=2)
    losses = []
    for number in range(5):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.mse_loss(model(inputs), targets)
        if number == 2:
            (scaler.scale(loss) * float("inf")).backward()
        else:
            scaler.scale(loss).backward()
            losses.append(loss.item())
        scaler.step(optimizer)
        scaler.update()

    run = only()
    assert as_list(run, "mse_loss") == losses
    assert as_list(run, "amp_scale") == [256.0, 512.0, 256.0, 512.0]
    assert as_list(run, "amp_skipped_steps") == [0, 1]
    assert as_list(run, "loss") == []


def test_a_loss_by_hand_is_told_unscaled(only, model, batches):
    """What the scaler multiplies is not the user's loss."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
    loss = (model(inputs) - targets).square().mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()

    assert as_list(only(), "loss") == [loss.item()]


def test_clipping_tells_the_norm(only, model, batches):
    """As it was before clipping."""
    inputs, targets = batches
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    norms = []
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(model(inputs), targets).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1).item())
        optimizer.step()

    assert as_list(only(), "grad_norm") == norms


def test_norms_are_measured_when_asked(experiment, runs, model, batches):
    """Every second step."""
    autolog("torch", silent=True, log_grad_norm=2)

    train(model, batches, steps=5)
    last = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in model.parameters()])).item()

    autolog(False)
    (run,) = runs()
    assert steps_of(run, "grad_norm") == [2, 4]
    assert last > 0


def test_a_wrong_option_is_refused(experiment):
    """At once, and in words."""
    with pytest.warns(match="log_grad_norm is a number of at least 0, not -1"):
        autolog("torch", log_grad_norm=-1)


@pytest.mark.parametrize("criterion", [None, lambda o, t: (o - t).square().mean()])
def test_the_graph_is_not_kept(only, model, batches, criterion):
    """What a step computed is freed as without us, while the loss is still waiting to be written."""
    call = F.mse_loss if criterion is None else criterion
    inside = []

    def watched(output, target):
        inside.append(weakref.ref(output))
        return call(output, target)

    train(model, batches, criterion=watched)
    gc.collect()

    assert [reference() for reference in inside] == [None] * 5
    only()


def test_a_second_backward_pass_logs_a_loss_once(only, model, batches):
    """``retain_graph=True``."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = F.mse_loss(model(batches[0]), batches[1])
    loss.backward(retain_graph=True)
    loss.backward()
    optimizer.step()

    assert as_list(only(), "mse_loss") == [loss.item()]


def test_gradients_from_autograd_grad_count_too(only, model, batches):
    """Where no backward pass is seen, the losses before a step are its own."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        loss = F.mse_loss(model(batches[0]), batches[1])
        for parameter, gradient in zip(
            model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
        ):
            parameter.grad = gradient
        optimizer.step()
        losses.append(loss.item())

    assert as_list(only(), "mse_loss") == losses


def test_a_criterion_of_a_criterion_is_one(only):
    """``linear_cross_entropy`` calls ``cross_entropy``."""
    if not hasattr(F, "linear_cross_entropy"):
        pytest.skip("torch 2.13 has it")
    weight = torch.randn(3, 4, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    loss = F.linear_cross_entropy(torch.randn(8, 4), weight, torch.arange(8) % 3)
    loss.backward()
    optimizer.step()

    run = only()
    assert as_list(run, "linear_cross_entropy") == [loss.item()]
    assert as_list(run, "cross_entropy") == []


def test_numbers_that_are_not_finite_are_logged(only, model, batches):
    """A training that diverges shows where."""
    losses = train(model, (batches[0] * 1e20, batches[1]), steps=4)

    back = as_list(only(), "mse_loss")
    assert str(back) == str(losses)


def test_copies_of_what_was_trained_hold_nothing_of_ours(only, model, batches):
    """A deep copy of the optimizer trains on."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = set(vars(optimizer)), set(vars(model))
    F.mse_loss(model(batches[0]), batches[1]).backward()
    optimizer.step()

    assert (set(vars(optimizer)), set(vars(model))) == before
    copy.deepcopy(optimizer).step()
