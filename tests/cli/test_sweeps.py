"""``azml sweep``: a file that says what to do, a table of what was done."""

import json
import textwrap

import pytest
from queues import dismiss

from azml_integrations.cli import specs
from azml_integrations.core import Run
from azml_integrations.sweeps import BanditPolicy, GridParameterSampling, PrimaryMetricGoal, TruncationSelectionPolicy

SPEC = """\
script: train.py
arguments: [--steps, 1]
space:
  --alpha: [0.1, 0.5, 1]
sampling: grid
metric: mse
goal: minimize
"""

TRAIN = """
import argparse
from azml_integrations.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
parser.add_argument("--steps", type=int)
asked = parser.parse_args()
for step in range(asked.steps):
    Run.get_context(allow_offline=False).log("mse", (asked.alpha - 0.5) ** 2)
"""


@pytest.fixture
def write(tmp_path):
    """Write a file beside a script, and return its path."""

    def one(text, name="alphas.yaml"):
        (tmp_path / "train.py").write_text(TRAIN)
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return one


@pytest.fixture
def refused(write):
    """Return the lines and messages of what is wrong with a file."""

    def read(text):
        with pytest.raises(specs.SpecError) as caught:
            specs.read(write(text))
        return [(mistake.line, mistake.message) for mistake in caught.value.mistakes]

    return read


# -- the file ----------------------------------------------------------------------------------------


def test_a_file_says_everything(write, tmp_path):
    """Every key, and what becomes of it."""
    spec = specs.read(
        write(
            """\
            experiment: ridge
            source_directory: .
            script: train.py
            arguments: [--steps, 3, --rate, 1e-3, --on, yes]
            target: local
            space:
              --alpha: [0.1, 1e-2]
              --lr: {loguniform: [-6, -1]}
              --units: {quniform: [16, 64, 16]}
              --depth: {randint: 5}
              --optimizer: {choice: [sgd, adam]}
            sampling: random
            metric: mse
            goal: Minimize
            total: 20
            concurrent: 4
            minutes: 90
            max_seconds: 600
            policy:
              bandit: {slack_factor: 0.1, evaluation_interval: 2, delay_evaluation: 5}
            tags: {why: first try}
            """
        )
    )
    config = spec.config
    assert (spec.experiment, spec.tags) == ("ridge", {"why": "first try"})
    assert config.hyperparameter_sampling.NAME == "RANDOM"
    assert config.hyperparameter_sampling.parameter_space == {
        "--alpha": ["choice", [[0.1, 0.01]]],
        "--lr": ["loguniform", [-6, -1]],
        "--units": ["quniform", [16, 64, 16]],
        "--depth": ["randint", [5]],
        "--optimizer": ["choice", [["sgd", "adam"]]],
    }
    assert (config.primary_metric_name, config.primary_metric_goal) == ("mse", PrimaryMetricGoal.MINIMIZE)
    assert (config.max_total_runs, config.max_concurrent_runs, config.max_duration_minutes) == (20, 4, 90)
    assert config.policy == BanditPolicy(2, slack_factor=0.1, delay_evaluation=5)
    assert config.run_config.arguments == ["--steps", "3", "--rate", "0.001", "--on", "yes"]
    assert config.run_config.source_directory == str(tmp_path)
    assert config.run_config.run_config.max_run_duration_seconds == 600


def test_little_is_needed(write):
    """A grid knows how many points it has; the experiment is named like the script."""
    spec = specs.read(write(SPEC))
    assert (spec.experiment, spec.config.max_total_runs, spec.config.max_concurrent_runs) == ("train", 3, 3)
    assert isinstance(spec.config.hyperparameter_sampling, GridParameterSampling)
    spec = specs.read(write(SPEC + "policy: median\n"))
    assert spec.config.policy.name == "MEDIANSTOPPING"
    spec = specs.read(write(SPEC + "policy: {truncation: {truncation_percentage: 20}}\n"))
    assert spec.config.policy == TruncationSelectionPolicy(20)


def test_scalars_are_what_they_look_like(write):
    """YAML 1.1's traps: numbers without a dot, booleans that are words, dates."""
    spec = specs.read(write(SPEC.replace("[0.1, 0.5, 1]", "[1e-3, 1E2, yes, on, 2020-01-01, true, '1e-3', null, -.5]")))
    assert spec.config.hyperparameter_sampling.parameter_space["--alpha"] == [
        "choice",
        [[0.001, 100.0, "yes", "on", "2020-01-01", True, "1e-3", None, -0.5]],
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("metric: mse\n", "", (1, "metric is missing: name of the primary metric")),
        ("metric: mse", "metric: 3", (6, "metric got 3; expected name of the primary metric")),
        ("metric: mse", "metrik: mse", (6, "metrik is no key of a sweep; did you mean metric?")),
        ("goal: minimize", "goal: least", (7, "'least' is no goal")),
        ("goal: minimize", "goal: minimize\ngoal: maximize", (8, "goal stands here a second time")),
        ("sampling: grid", "sampling: gird", (5, "sampling got 'gird'; did you mean grid?")),
        ("sampling: grid", "sampling: random", (1, "total is missing: children at most")),
        ("script: train.py", "script: trian.py", (1, "there is no script trian.py in ")),
        (
            "script: train.py",
            "script: train.py\nsource_directory: nowhere",
            (2, "source_directory nowhere: there is no"),
        ),
        ("script: train.py\n", "", (1, "expected either script or command")),
        ("script: train.py", "script: train.py\ncommand: make", (2, "expected either script or command")),
        ("arguments: [--steps, 1]", "arguments: --steps 1", (2, "arguments got '--steps 1'; expected a list")),
        ("arguments: [--steps, 1]", "arguments: [[1]]", (2, "an argument got [1]; expected a text or a number")),
        (
            "  --alpha: [0.1, 0.5, 1]",
            "  --alpha: 0.1",
            (4, "--alpha got 0.1; expected a list of values, or for example"),
        ),
        ("  --alpha: [0.1, 0.5, 1]", "  --alpha: {unifrom: [0, 1]}", (4, "unifrom is no distribution; did you mean")),
        ("  --alpha: [0.1, 0.5, 1]", "  --alpha: {uniform: [1, 0]}", (4, "--alpha: uniform() got min_value 1")),
        (
            "  --alpha: [0.1, 0.5, 1]",
            "  --alpha: {uniform: [1]}",
            (4, "--alpha: uniform got 1 arguments; expected [min_v"),
        ),
        ("  --alpha: [0.1, 0.5, 1]", "  --alpha: {uniform: [0, 1]}", (4, "GridParameterSampling cannot sample")),
        ("  --alpha: [0.1, 0.5, 1]", "  --alpha: []", (4, "choice() got nothing to choose from")),
        ("space:\n  --alpha: [0.1, 0.5, 1]", "space: [1]", (3, "space got [1]; expected a mapping of")),
        ("metric: mse", "metric: mse\ntotal: 0", (7, "total got 0; expected children at most")),
        ("metric: mse", "metric: mse\nconcurrent: 1.5", (7, "concurrent got 1.5; expected")),
        ("metric: mse", "metric: mse\nminutes: soon", (7, "minutes got 'soon'; expected how long")),
        ("metric: mse", "metric: mse\nmax_seconds: -1", (7, "max_seconds got -1; expected")),
        ("metric: mse", "metric: mse\npolicy: strict", (7, "policy got 'strict'; expected one of bandit, median")),
        ("metric: mse", "metric: mse\npolicy: bandit", (7, "expected exactly one of them")),
        (
            "metric: mse",
            "metric: mse\npolicy:\n  bandit:\n    slack: 1",
            (9, "bandit does not know slack; did you mean"),
        ),
        ("metric: mse", "metric: mse\npolicy: {bandit: {slack_factor: -1}}", (7, "slack_factor got -1; expected")),
        ("metric: mse", "metric: mse\ntags: [a]", (7, "tags got ['a']; expected a mapping")),
        ("metric: mse", "metric: mse\nexperiment: a b", (7, "experiment name 'a b' is refused")),
        ("metric: mse", "metric: [mse", (7, "no YAML: ")),
        (
            "metric: mse",
            "metric: !!python/object/apply:os.system [ls]",
            (6, "tag:yaml.org,2002:python/object/apply:os.system is no kind"),
        ),
    ],
)
def test_each_mistake_is_told_with_its_line(refused, old, new, expected):
    """One sentence: what came, what was wanted."""
    assert old in SPEC
    ((line, message),) = refused(SPEC.replace(old, new))
    assert line == expected[0]
    assert expected[1] in message


def test_all_mistakes_are_told_at_once(refused):
    """Nobody wants to find them one by one."""
    text = SPEC.replace("train.py", "no.py").replace("grid", "gird").replace("minimize", "least") + "colour: red\n"
    assert [line for line, _ in refused(text)] == [1, 5, 7, 8]


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n", "a: &a [*a]\n"])
def test_a_file_that_is_no_mapping(refused, text):
    """Empty, a list, a word, a knot."""
    assert refused(text)


def test_the_command_line_prints_one_line_a_mistake(azml, write):
    """With file and line, as compilers do; and nothing is submitted."""
    path = write(SPEC.replace("grid", "gird").replace("minimize", "least"))
    answer = azml("sweep", str(path), code=1)
    assert f"{path}:5: sampling got 'gird'; did you mean grid?" in answer.err
    assert f"{path}:7: 'least' is no goal" in answer.err
    assert azml("sweep", "nowhere.yaml", code=3).err.startswith("error: 'nowhere.yaml' is not there")


def test_a_dry_run_submits_nothing(azml, write, workspace):
    """It shows what the first children would be."""
    answer = azml("sweep", str(write(SPEC)), "--dry-run")
    assert "3 children at most, 3 at one time; minimize mse" in answer.out
    assert "  --alpha 0.5" in answer.lines
    assert azml("sweep", str(write(SPEC)), "--dry-run", "--output", "json").json["first"][2] == "--alpha 1"
    assert workspace.find_runs() == []


# -- submitted ---------------------------------------------------------------------------------------


@pytest.fixture
def queue(workspace):
    queue = workspace.queue("local")
    yield queue
    dismiss(queue)


def test_a_sweep_is_submitted_shown_and_not_resumed(azml, shell, write, queue, workspace):
    """From the file to the table of its children, the best first."""
    answer = shell("sweep", str(write(SPEC)), "--stream", "--experiment", "alphas")
    assert answer.returncode == 0, answer.stderr
    assert "ended: 3 Completed" in answer.stdout
    (record,) = [record for record in workspace.find_runs() if record.type == "hyperdrive"]
    assert record.experiment == "alphas"

    told = azml("sweep", "show", record.run_id, "--output", "json").json
    assert (told["status"], told["best"], told["statuses"]) == ("Completed", 0.0, {"Completed": 3})
    assert [child["hyperparameters"] for child in told["children"]] == [
        {"--alpha": 0.5},
        {"--alpha": 0.1},
        {"--alpha": 1},
    ]
    lines = azml("sweep", "show", f"{record.run_id}_1", "--output", "tsv").lines  # a child stands for its sweep
    assert lines[0] == "run_id\tstatus\tbest_primary_metric\t--alpha"
    assert lines[1] == f"{record.run_id}_1\tCompleted\t0.0\t0.5"
    table = azml("sweep", "show", record.run_id)
    assert "looks for   minimize mse, best 0" in table.lines
    assert "children    3 of at most 3: 3 Completed" in table.lines
    assert "has completed" in azml("sweep", "resume", record.run_id, code=1).err
    assert json.loads(azml("run", "show", record.run_id, "--output", "json").out)["type"] == "hyperdrive"


def test_a_run_that_is_no_sweep_is_refused(azml, experiment):
    """With the way to find those that are."""
    with Run._create(experiment) as run:
        pass
    assert "is no sweep; azml run list --type hyperdrive" in azml("sweep", "show", run.id, code=2).err


def test_help_names_the_file_and_the_commands(azml):
    """`azml sweep SPEC.yaml` is the short way."""
    answer = azml("sweep", "--help")
    assert "SPEC.yaml | COMMAND" in answer.out
    assert {"submit", "show", "resume"} <= set(answer.out.split())
