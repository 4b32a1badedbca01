"""``azml run show``: everything about one run."""

import csv
import io

import pytest


def test_a_run_is_told_completely(azml, run):
    """One command answers: how it stands, with which parameters, to which result, with which files."""
    run.add_properties({"param.alpha": "0.03", "azml.note": "by hand"})
    run.log("mse", 3424.3)
    run.tag("stage", "final")
    run.upload_file("outputs/model.pkl", io.BytesIO(b"0" * 2000))
    run.note("sklearn", "skipped the ROC curve: one class")
    run.complete()

    told = azml("run", "show", run.id, "--output", "json").json

    assert (told["status"], told["params"], told["tags"]) == ("Completed", {"alpha": "0.03"}, {"stage": "final"})
    assert told["properties"]["azml.note"] == "by hand"
    assert (told["files"][0]["name"], told["files"][0]["size"]) == ("outputs/model.pkl", 2000)
    assert told["notes"][0]["message"] == "skipped the ROC curve: one class"
    assert (told["error"], told["verdict"], told["children"], told["damaged_lines"]) == (None, None, [], 0)

    screen = azml("run", "show", run.id).out
    for word in ("trials/1", "alpha", "0.03", "3424.3", "outputs/model.pkl", "2.0 kB", "skipped the ROC curve"):
        assert word in screen


def test_a_run_is_written_as_one_file(azml, run, tmp_path):
    """For somebody who has neither this machine nor a server."""
    run.log_list("loss", [3, 2, 1])
    said = azml("run", "show", run.id, "--html", str(tmp_path / "run.html"))
    assert "run.html" in said.out
    document = (tmp_path / "run.html").read_text()
    assert document.startswith("<!DOCTYPE html>")
    assert '<svg class="azml-chart"' in document
    assert azml("run", "show", run.id, "--html", str(tmp_path / "no" / "run.html"), code=1).err.startswith("error: ")


def test_a_failed_run_shows_its_traceback(azml, experiment):
    """Why it failed is the first question, and the answer is on the page."""
    with pytest.raises(ZeroDivisionError), experiment.start_logging(outputs=False) as run:
        1 / 0  # noqa: B018 - it is the fault

    screen = azml("run", "show", "@latest").out

    assert "ZeroDivisionError: division by zero" in screen
    assert "in test_a_failed_run_shows_its_traceback" in screen
    assert azml("run", "show", run.id, "--output", "json").json["error"]["type"] == "ZeroDivisionError"


def test_a_loop_over_alphas_is_a_table_of_fits(azml, run):
    """Parameters that differ and the metrics stand side by side; what is the same everywhere is left out."""
    run.add_properties({"param.alpha": "0.1", "param.solver": "auto"})
    run.log("mse", 3.0)
    for alpha, mse in (("0.2", 2.0), ("0.3", 2.5)):
        with run.child_run() as fit:
            fit.add_properties({"param.alpha": alpha, "param.solver": "auto"})
            fit.log("mse", mse)
    run.complete()

    screen = azml("run", "show", run.id).out
    table = screen.split("fits\n")[1].splitlines()

    assert table[0].split() == ["id", "#", "status", "alpha", "mse"]
    assert [line.split()[3:] for line in table[2:5]] == [["0.1", "3"], ["0.2", "2"], ["0.3", "2.5"]]


@pytest.fixture
def unlike(run):
    """A run that fitted three estimators which share two parameters."""
    first, *others = [
        ("Ridge", {"alpha": "0.1", "seed": "None", "solver": "auto"}),
        ("Lasso", {"alpha": "0.2", "seed": "None", "selection": "cyclic"}),
        ("ElasticNet", {"alpha": "0.2", "seed": "None", **{f"only_its_own_{number}": "x" for number in range(30)}}),
    ]

    def fitted(fit, name, params, mse):
        fit.add_properties({"estimator": name, **{f"param.{key}": value for key, value in params.items()}})
        fit.log("training_mean_squared_error", mse / 2)
        fit.log("mean_squared_error", mse)

    fitted(run, *first, 3000.5)
    for mse, (name, params) in enumerate(others, 3001):
        with run.child_run() as fit:
            fitted(fit, name, params, mse)
    run.complete()
    return run


def test_unlike_estimators_are_compared_in_what_they_share(azml, unlike):
    """A parameter that only one of them has tells nothing about the others."""
    titles, _, *rows = azml("run", "show", unlike.id).out.split("fits\n")[1].splitlines()[:5]

    assert titles.split() == [
        *("id", "#", "name", "status", "alpha", "mean_squared_error", "training_mean_squared_error")
    ]
    assert [row.split()[2:] for row in rows] == [
        ["Ridge", "Completed", "0.1", "3000.5", "1500.25"],
        ["Lasso", "Completed", "0.2", "3001", "1500.5"],
        ["ElasticNet", "Completed", "0.2", "3002", "1501"],
    ]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_the_table_of_fits_fits_into_a_terminal(lines_at, unlike, width):
    """A line a fit, with its parameter and its first metric, also on a small screen."""
    lines = lines_at(width, "run", "show", unlike.id)
    table = lines[lines.index("fits") + 1 : lines.index("properties")]

    own, *others = [line for line in table if line[9:12].strip() in {"1", "2", "3"}]
    assert own.split()[:2] == [unlike.id[:8], "1"]
    assert [{"0.2", "3001"} <= set(row.split()) for row in others] == [True, False]
    assert all(len(row) <= width for row in table if not row.startswith("no room for "))


def test_what_a_loop_logs_stands_beside_no_fit(azml, run):
    """Several values of the user's own metric in the parent, and the last of them is not that of the first alpha."""
    run.add_properties({"param.alpha": "0.1"})
    run.log("training_mse", 3.0)
    for alpha in ("0.2", "0.3"):
        with run.child_run() as fit:
            fit.add_properties({"param.alpha": alpha})
            fit.log("training_mse", 4.0)
    for value in (3.5, 4.5, 77.125):
        run.log("mse", value)
    run.complete()

    table = azml("run", "show", run.id).out.split("fits\n")[1].split("\n\n")[0]

    assert table.split()[:5] == ["id", "#", "status", "alpha", "training_mse"]
    assert "77.125" not in table


def test_a_dead_run_is_told_as_such(azml, dead_run):
    """A killed process says nothing, and its run does not stay Running."""
    told = azml("run", "show", dead_run, "--output", "json").json

    assert told["status"] == "Failed"
    assert told["verdict"] == "the process ended without completing the run"
    assert told["metrics"]["loss"]["last"] == 0.5
    assert "without completing" in azml("run", "show", dead_run).out


def test_names_cannot_steer_the_terminal(azml, run):
    """A name may hold an escape sequence or rich's markup; the screen shows it and does not obey it."""
    evil = "\x1b]0;pwned\x07[red]loss[/red]\u202e\u0085"
    run.log(evil, 1.0)
    run.tag(evil, evil)
    run.add_properties({"param." + evil: evil})
    run.upload_file("[bold]x", io.BytesIO(b""))
    run.fail(evil)

    for command in (["show", run.id], ["metrics", run.id], ["list"], ["tag", run.id, "a"], ["metrics", run.id, evil]):
        screen = azml("run", *command).out
        assert not set(screen) & set("\x1b\x07\u202e\u0085")
    assert "\\x1b]0;pwned\\x07[red]loss[/red]\\u202e\\x85" in azml("run", "show", run.id).out
    assert azml("run", "metrics", run.id, "--output", "json").json[0]["name"] == evil


def test_tsv_and_csv_have_a_line_a_fact(azml, run):
    """What JSON says in a tree, a spreadsheet gets as section, name and value."""
    run.add_properties({"param.text": "two\tcells\nand a \\"})
    run.log("mse", 1.5)

    rows = list(csv.reader(io.StringIO(azml("run", "show", run.id, "--output", "csv").out)))
    lines = azml("run", "show", run.id, "--output", "tsv").lines

    assert rows[0] == ["section", "name", "value"]
    assert ["params", "text", "two\tcells\nand a \\"] in rows
    assert "params\ttext\ttwo\\tcells\\nand a \\\\" in lines
    assert all(line.count("\t") == 2 for line in lines)
