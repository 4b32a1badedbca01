"""The Trainer of transformers finds our names by itself, and logs through its own AzureMLCallback."""

import sys

import pytest

pytest.importorskip("transformers", reason="transformers is not installed; `pip install transformers torch` beside it")
pytest.importorskip("torch", reason="transformers trains with PyTorch, which is not installed")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:transformers",  # transformers 5 of its own modules
    "ignore::FutureWarning:transformers",  # the same
    "ignore:'pin_memory' argument is set as true:UserWarning",  # torch 2 on a machine without a GPU
    "ignore::UserWarning:torch.utils.data.dataloader",  # the same, by place
)

STEPS = 4


@pytest.fixture
def train(elsewhere):
    """Train a model of a few weights for four steps on the CPU, reporting to someone; return the Trainer."""
    import torch
    from transformers import Trainer, TrainingArguments

    pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate, which is not installed")

    class Line(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def forward(self, x=None, labels=None):
            predicted = self.layer(x).squeeze(-1)
            return {"loss": torch.nn.functional.mse_loss(predicted, labels), "logits": predicted}

    rows = [{"x": torch.tensor([i / 8, 1.0]), "labels": torch.tensor(i / 4)} for i in range(8)]

    def run(report_to: object) -> Trainer:
        arguments = TrainingArguments(
            output_dir=str(elsewhere / "out"),
            max_steps=STEPS,
            per_device_train_batch_size=2,
            logging_steps=1,
            save_strategy="no",
            report_to=report_to,
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = Trainer(model=Line(), args=arguments, train_dataset=rows)
        trainer.train()
        return trainer

    return run


def test_the_callback_logs_into_the_run_of_the_process(train, workspace):
    """What the Trainer logs at each step is in the run, under its own names."""
    from azureml.core import Run

    trainer = train(["azure_ml"])

    metrics = Run.get_context().get_metrics()
    assert len(metrics["loss"]) == STEPS
    assert [entry["loss"] for entry in trainer.state.log_history if "loss" in entry] == metrics["loss"]
    assert {"learning_rate", "grad_norm", "epoch", "train_runtime"} <= set(metrics)


def test_the_callback_logs_into_the_run_that_is_current(train, workspace):
    """Inside `with start_logging()` it is that one."""
    from azureml.core import Experiment

    with Experiment(workspace, "exp").start_logging(outputs=False, snapshot_directory=None) as run:
        train(["azure_ml"])
    assert len(run.get_metrics()["loss"]) == STEPS


def test_a_trainer_that_reports_to_nobody_leaves_nothing(train, workspace):
    """No run, and no module of ours that was not there before."""
    before = {name for name in sys.modules if name.startswith(("azureml", "azml_integrations"))}
    train("none")
    assert workspace.find_runs() == []
    assert {name for name in sys.modules if name.startswith(("azureml", "azml_integrations"))} == before


def test_transformers_finds_us(elsewhere):
    """Among what it would report to with `report_to="all"`; where MLflow is installed too, it takes that one."""
    from transformers.integrations import integration_utils

    assert integration_utils.is_azureml_available()
    if not integration_utils.is_mlflow_available():
        assert "azure_ml" in integration_utils.get_available_reporting_integrations()
