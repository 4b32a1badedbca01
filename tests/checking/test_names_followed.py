"""Names are followed through code that is never run."""

import textwrap

import pytest

from azml_integrations.checking import check


def test_each_call_of_the_first_notebook(said):
    """What runs is told too: the class of each object is followed from line to line."""
    lines = said(
        """
        from azureml.core import Experiment, Workspace

        ws = Workspace.from_config()
        exp = Experiment(workspace=ws, name="ridge")
        with exp.start_logging(snapshot_directory=None) as run:
            run.log("alpha", 0.03)
            run.upload_file(name="outputs/model.pkl", path_or_stream="model.pkl")
        print(run.get_portal_url())
        """,
        all_=True,
    )
    assert lines == {
        1: {"Experiment": "runs", "Workspace": "runs"},
        3: {"Workspace.from_config": "runs"},
        4: {"Experiment": "runs"},
        5: {"Experiment.start_logging": "runs"},
        6: {"Run.log": "runs"},
        7: {"Run.upload_file": "differs"},
        8: {"Run.get_portal_url": "differs"},
    }


@pytest.mark.parametrize(
    "way",
    [
        "from azureml.core.run import Run as R\nrun = R.get_context()",
        "import azureml.core\nrun = azureml.core.Run.get_context()",
        "import azureml.core as a\nrun = a.run.Run.get_context()",
        "from azureml import core\nrun = core.Run.get_context()",
        "from azureml.core import *\nrun = Run.get_context()",
        "from azureml.core import Run\ndef f():\n    return Run.get_context()\nrun = f()",
        "from azureml.core import Run\nrun = x if (x := Run.get_context()) else None",
        "from azureml.core import Run\nrun = None or Run.get_context()",
        "from azureml.core import Run\na, run = 1, Run.get_context()",
        "from azureml.core import Run\nif True:\n    run = Run.get_context()\nelse:\n    run = None",
        "from azureml.core import Workspace\nrun = next(Workspace.from_config().experiments['e'].get_runs())",
        "import azureml.core as a\nrun = [r for e in a.Workspace(1).experiments.values() for r in e.get_runs()][0]",
        "import azureml.core as a\nfor k, e in a.Workspace(1).experiments.items():\n  run = list(e.get_runs())[0]",
        "from azureml.core import Run\nrun = Run.get_context().parent",
        "from azureml.core import Run\nrun = [child for child in Run.get_context().get_children()][-1]",
        "from azureml.core import Run\nrun: Run = make()\ndef make(): ...",
        "from azureml.core import Run\nrun: 'Run | None' = make()\ndef make(): ...",
        "from azureml.core import get_run\nrun = get_run(1, 2)",
        "import azureml.core as a\nrun = a.Experiment(a.Workspace.from_config(), 'e').submit(1)",
        "from azureml.train.hyperdrive import HyperDriveRun\nrun = HyperDriveRun(1, 2)",
    ],
)
def test_a_run_is_recognised(said, way):
    """However the script came by it."""
    last = way.count("\n") + 2
    assert said(f"{way}\nrun.get_secret('key')\n")[last] == {"Run.get_secret": "cloud"}


@pytest.mark.parametrize(
    "way",
    [
        "run = 1",
        "from azureml.core import Run\nrun = Run.get_context()\nrun = other()\ndef other(): return 3",
        "from mine import Run\nrun = Run.get_context()",
        "from .core import Run\nrun = Run.get_context()",
        "from azureml.core import Run\nrun = [Run.get_context()]",
        "from azureml.core import Run\ndef f(n):\n    return f(n - 1)\nrun = f(3)",
    ],
)
def test_what_is_no_run_is_left_alone(said, way):
    """A guess would be worse than silence."""
    assert said(f"{way}\nrun.get_secret('key')\n") == {}


def test_attributes_of_self_and_arguments_with_types(said):
    """A class that keeps its run, a function that says what it takes."""
    lines = said(
        """
        from typing import Optional
        from azureml.core import Run, Workspace

        class Trainer:
            def __init__(self):
                self.run = Run.get_context()

            def train(self, lr):
                self.run.get_secret("key")

        def publish(ws: Workspace, run: Optional[Run] = None):
            ws.delete()
            run.get_secrets(["key"])

        async def later(x=lambda r: r.log):
            async with Workspace.from_config() as ws:
                ws.update()
        """
    )
    assert lines == {
        9: {"Run.get_secret": "cloud"},
        12: {"Workspace.delete": "cloud"},
        13: {"Run.get_secrets": "cloud"},
        17: {"Workspace.update": "cloud"},
    }


def test_what_needs_the_cloud_is_told_at_the_import_and_at_the_use(said):
    """With what to do instead."""
    lines = said(
        """
        from azureml.train.automl import AutoMLConfig
        from azureml.pipeline.core import Pipeline as P, PipelineData
        import azureml.pipeline.steps
        from azureml.core.webservice import AciWebservice
        from azureml.core.model import InferenceConfig, Model
        config = AutoMLConfig(task="regression")
        p = P(workspace=1, steps=[])
        AciWebservice.deploy_configuration(cpu_cores=1)
        Model.deploy(1, "name", [], InferenceConfig(entry_script="score.py"))
        """
    )
    assert {line: set(names.values()) for line, names in lines.items()} == {n: {"cloud"} for n in range(1, 10)}
    assert set(lines[9]) == {"Model.deploy", "model.InferenceConfig"}


def test_what_other_libraries_took_away(said):
    """Aliases are followed, and old keywords are found."""
    lines = said(
        """
        import numpy as np, pandas as pd, collections
        from sklearn.externals import joblib
        from sklearn.datasets import load_boston, load_diabetes
        import sklearn.metrics as m
        from sklearn.linear_model import Ridge
        from sklearn.preprocessing import OneHotEncoder
        import imp
        x = np.zeros(3, dtype=np.float) + np.random.rand()
        m.mean_squared_error(x, x, squared=False)
        Ridge(normalize=True, alpha=1); OneHotEncoder(sparse=False)
        df = pd.DataFrame({"a": [1]})
        df.append(df); df.describe()
        collections.Mapping; collections.OrderedDict
        np.bool
        """
    )
    assert lines == {
        2: {"sklearn.externals.joblib": "broken"},
        3: {"sklearn.datasets.load_boston": "broken"},
        7: {"imp": "broken"},
        8: {"numpy.float": "broken"},
        9: {"sklearn.metrics.mean_squared_error(squared=)": "broken"},
        10: {
            "sklearn.linear_model.Ridge(normalize=)": "broken",
            "sklearn.preprocessing.OneHotEncoder(sparse=)": "broken",
        },
        12: {"pandas.DataFrame.append": "broken"},
        13: {"collections.Mapping": "broken"},
        14: {"numpy.bool": "differs"},
    }


def test_an_import_that_may_fail_is_no_fault(said):
    """The author thought of it."""
    lines = said(
        """
        try:
            from sklearn.externals import joblib
        except ImportError:
            import joblib
        try:
            import cPickle as pickle
        except (ImportError, OSError):
            import pickle
        try:
            import imp
        except ValueError:
            pass
        """
    )
    assert lines == {10: {"imp": "broken"}}


def test_a_module_that_nobody_imported(said):
    """The train.py of the old documentation calls mylib without importing it."""
    lines = said(
        """
        import os, numpy.random
        from azureml.core import Run
        alphas = mylib.get_alphas()
        def f(a, *b, c=os.sep, **d):
            global later
            later = [e.x for e in a] + [b.y, c.z, d.v, __file__.w, str.upper, self_made.u]
        try:
            pass
        except ValueError as error:
            print(error.args)
        match alphas:
            case [first, *rest]:
                first.x, rest.x
            case {"a": value, **others}:
                value.x, others.x
        """
    )
    assert lines == {3: {"mylib": "broken"}, 6: {"self_made": "broken"}}
    assert said("from mylib import *\nmylib.get_alphas()\n") == {}


def test_misspelt_names_and_arguments(said):
    """What the old SDK never had is told apart from what needs the cloud."""
    lines = said(
        """
        from azureml.core import Run, Runn
        from azureml.nothing import Thing
        run = Run.get_context()
        run.log_metric("mse", 1)
        run.logg("mse", 1)
        run.log("mse", 1, stepp=3)
        run.log_row("r", anything=3)
        run.my_own = 3
        run._private
        """
    )
    assert lines == {
        1: {"Runn": "unknown"},
        2: {"azureml.nothing.Thing": "unknown"},
        4: {"Run.log_metric": "broken"},
        5: {"Run.logg": "unknown"},
        6: {"Run.log(stepp=)": "unknown"},
    }


def test_places_are_those_of_an_editor(tmp_path):
    """Lines and columns from 1, in characters; of a chain, where the name itself stands."""
    path = tmp_path / "s.py"
    path.write_bytes(
        "from azureml.core import Run\r\n"
        "run = Run.get_context()\r\n"
        "print('ä', run.get_secret('x'))\r\n"
        "(run\r\n"
        "    .get_secrets(['x']))\r\n".encode()
    )
    spots = [str(f.spot) for f in check(path) if f.verdict == "cloud"]
    assert spots == [f"{path}:3:16", f"{path}:5:6"]


def test_nothing_is_imported_or_run(tmp_path, said):
    """A script that would delete things is only read."""
    mark = tmp_path / "mark"
    assert said(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nraise SystemExit(3)\n") == {}
    assert not mark.exists()


def test_every_kind_of_syntax_passes(tmp_path):
    """Whatever Python has, a use within it is found once."""
    code = """
        from azureml.core import Run
        run = Run.get_context()
        @run.get_secret("1")
        class A(run.get_secret("2"), metaclass=run.get_secret("3")):
            x: int = run.get_secret("4")
        def f(a=run.get_secret("5"), *, b=run.get_secret("6")) -> None:
            return lambda c=1: run.get_secret("7")
        async def g():
            async for i in run.get_secret("8"):
                await run.get_secret("9")
            yield run.get_secret("10")
        while run.get_secret("11"):
            break
        else:
            run.get_secret("12")
        x = {run.get_secret("13"): run.get_secret("14"), **run.get_secret("15")}
        y = f"{run.get_secret('16')!r:>10}"
        del x[run.get_secret("18")]
        assert run.get_secret("19"), run.get_secret("20")
        z = {k: run.get_secret("21") for k in run.get_secret("22") if run.get_secret("23")}
        raise run.get_secret("24") from run.get_secret("25")
        match run.get_secret("26"):
            case 1 if run.get_secret("27"):
                pass
        x[run.get_secret("28")] = y.a = run.get_secret("29")
        x[1:run.get_secret("30")] += run.get_secret("31")
        first, *others = run.get_secret("32")
        a, b = run.get_secret("33"), run.get_secret("34")
        with run.get_secret("35") as (c, d), open(run.get_secret("36")):
            pass
        print(*run.get_secret("37"), **run.get_secret("38"))
        try:
            pass
        except run.get_secret("39"):
            run.get_secret("40")
        finally:
            run.get_secret("41")
        """
    path = tmp_path / "s.py"
    path.write_text(textwrap.dedent(code))
    uses = [finding for finding in check(path) if finding.name == "azureml.core.Run.get_secret"]
    assert len(uses) == code.count("get_secret(") == 40


def test_data_are_followed_to_their_frame(said):
    """From the workspace to pandas; a dataset by its name may be of either kind."""
    lines = said(
        """
        from azureml.core import Dataset, Workspace
        ws = Workspace.from_config()
        data = Dataset.get_by_name(ws, "iris").take(10)
        frame = data.to_pandas_dataframe()
        frame.append(frame)
        with data.mount() as context:
            pass
        ws.datasets["files"].as_mount()
        Dataset.Tabular.from_sql_query("select")
        Dataset.Tabular.from_delimited_files(path="a.csv").nothing()
        ws.get_default_datastore().upload(src_dir=".", target_path="x", overwrite=True)
        """
    )
    assert lines == {
        5: {"pandas.DataFrame.append": "broken"},
        6: {"azureml.data.FileDataset.mount": "differs"},
        8: {"azureml.data.FileDataset.as_mount": "differs"},
        9: {"azureml.data.dataset_factory.TabularDatasetFactory.from_sql_query": "cloud"},
        10: {"TabularDataset.nothing": "unknown"},
        11: {"Workspace.get_default_datastore": "differs"},
    }


def test_a_module_below_a_package_that_nobody_imported(said):
    """With the old SDK, too, `import azureml.core` brings no `azureml.train`; what is imported anywhere is there."""
    lines = said(
        """
        import azureml.core
        azureml.train.hyperdrive.choice(1)
        azureml.widgets.RunDetails
        azureml.exceptions.UserErrorException, azureml.data.FileDataset, azureml.core.Run
        """
    )
    assert lines == {2: {"azureml.train": "broken"}, 3: {"azureml.widgets": "broken"}}
    assert said("import azureml.core\nimport azureml.train.hyperdrive\nazureml.train.hyperdrive.choice(1)") == {}
    assert said("import azureml.train.widgets\nazureml.train.hyperdrive.choice(1)") == {
        2: {"azureml.train.hyperdrive": "broken"}
    }


def test_a_misspelt_setting_is_told(said):
    """Of a class that refuses it; on other objects scripts may put what they like."""
    lines = said(
        """
        from azureml.core import Environment, Run, RunConfiguration, ScriptRunConfig
        config = RunConfiguration()
        config.prepare_environment = True
        config.auto_prepare_environment = True
        config.environment.pyhton = None
        source = ScriptRunConfig(".", "train.py")
        source.argments = []
        source.arguments = []
        run = Run.get_context()
        run.mine = 1
        """
    )
    assert lines == {
        3: {"RunConfiguration.prepare_environment": "unknown"},
        5: {"Environment.pyhton": "unknown"},
        7: {"ScriptRunConfig.argments": "unknown"},
    }


def test_a_token_is_not_to_be_had(said):
    """Signing in is taken and forgotten, so what asks for the outcome finds none."""
    lines = said(
        """
        from azureml.core.authentication import InteractiveLoginAuthentication
        headers = InteractiveLoginAuthentication().get_authentication_header()
        """
    )
    assert lines[2]["authentication.InteractiveLoginAuthentication.get_authentication_header"] == "differs"
