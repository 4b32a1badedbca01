"""Where a run came from: git, script, packages, arguments; never a secret."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from azml_integrations.core import facts

SECRET = "hunter2"


def git(*words: str, at: Path) -> str:
    identity = ("-c", "user.name=Me", "-c", "user.email=me@example.org", "-c", "init.defaultBranch=main")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | {"HOME": str(at)}
    done = subprocess.run(["git", *identity, *words], cwd=at, env=clean, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """Stand in a real repository with one commit and a remote whose address holds a secret."""
    repo = tmp_path / "repo"
    repo.mkdir()
    git("init", "-q", at=repo)
    (repo / "train.py").write_text("print(1)\n")
    git("add", ".", at=repo)
    git("commit", "-q", "-m", "one", at=repo)
    git("remote", "add", "origin", f"https://me:{SECRET}@example.org/team/repo.git", at=repo)
    monkeypatch.chdir(repo)
    return repo


def everything(run) -> str:
    """Return all that is stored of a run, as text."""
    run.complete()
    return "".join(path.read_text(errors="replace") for path in run._folder.rglob("*") if path.is_file())


# -- git ---------------------------------------------------------------------------------------------


def test_git_facts_are_sdk_v1s_properties(repo, experiment):
    """Repository, branch, commit, dirty; and MLflow's names for them."""
    run = experiment.start_logging(outputs=False)
    head = git("rev-parse", "HEAD", at=repo)
    run.complete()
    found = {key: value for key, value in run.properties.items() if "git" in key}
    assert found == {
        "azureml.git.repository_uri": "https://example.org/team/repo.git",
        "mlflow.source.git.repoURL": "https://example.org/team/repo.git",
        "azureml.git.branch": "main",
        "mlflow.source.git.branch": "main",
        "azureml.git.commit": head,
        "mlflow.source.git.commit": head,
        "azureml.git.dirty": "False",
        "azml.git.dirty_asked": "at the end",
    }


def test_no_secret_of_the_remote_is_stored(repo, experiment):
    """Not in a property, not in a journal, not in a file."""
    assert SECRET not in everything(experiment.start_logging(outputs=False))


def test_a_changed_tree_is_dirty(repo, experiment):
    """Tracked files count; a stray new file does not."""
    (repo / "train.py").write_text("print(2)\n")
    run = experiment.start_logging(outputs=False)
    run.complete()
    assert run.properties["azureml.git.dirty"] == "True"


def test_a_commit_between_two_runs_is_seen(repo, experiment):
    """A notebook lives for days, and a commit takes a second."""
    one = experiment.start_logging(outputs=False)
    first = git("rev-parse", "HEAD", at=repo)
    one.complete()
    git("commit", "-q", "--allow-empty", "-m", "two", at=repo)
    two = experiment.start_logging(outputs=False)
    second = git("rev-parse", "HEAD", at=repo)
    two.complete()
    assert first != second
    assert (one.properties["azureml.git.commit"], two.properties["azureml.git.commit"]) == (first, second)


def test_outside_a_repository_there_are_no_git_facts(experiment):
    """And nothing is asked of git."""
    run = experiment.start_logging(outputs=False)
    run.complete()
    assert [key for key in run.properties if "git" in key] == []


def test_a_detached_head_has_a_commit_and_no_branch(repo):
    """CI checks out so."""
    head = git("rev-parse", "HEAD", at=repo)
    git("checkout", "-q", "--detach", at=repo)
    found = facts.git(repo)
    assert found["azureml.git.commit"] == head
    assert "azureml.git.branch" not in found


def test_packed_refs_are_read(repo):
    """After `git gc` the loose file of the branch is gone."""
    head = git("rev-parse", "HEAD", at=repo)
    git("pack-refs", "--all", at=repo)
    assert not (repo / ".git/refs/heads/main").exists()
    assert facts.git(repo)["azureml.git.commit"] == head


def test_a_worktree_has_its_own_branch_and_the_common_remote(repo, tmp_path):
    """Its `.git` is a file that points elsewhere."""
    git("worktree", "add", "-q", "-b", "feature/x", str(tmp_path / "tree"), at=repo)
    git("commit", "-q", "--allow-empty", "-m", "two", at=tmp_path / "tree")
    found = facts.git(tmp_path / "tree")
    assert found["azureml.git.branch"] == "feature/x"
    assert found["azureml.git.commit"] == git("rev-parse", "HEAD", at=tmp_path / "tree")
    assert found["azureml.git.repository_uri"] == "https://example.org/team/repo.git"


def test_a_submodule_points_to_its_folder_relatively(repo):
    """``gitdir: ../.git/modules/x``"""
    (repo / "x").mkdir()
    (repo / "x/.git").write_text("gitdir: ../.git\n")
    assert facts.git(repo / "x") == facts.git(repo)


def test_a_folder_below_belongs_to_the_tree(repo):
    """Scripts run from anywhere in it."""
    (repo / "a/b").mkdir(parents=True)
    assert facts.git(repo / "a/b") == facts.git(repo)


def test_a_repository_without_commits(tmp_path):
    """`git init`, and then the first experiment."""
    git("init", "-q", at=tmp_path)
    assert facts.git(tmp_path) == {"azureml.git.branch": "main", "mlflow.source.git.branch": "main"}


def test_another_remote_stands_in_for_origin(repo):
    """Some call it upstream."""
    git("remote", "rename", "origin", "upstream", at=repo)
    assert facts.git(repo)["azureml.git.repository_uri"] == "https://example.org/team/repo.git"


@pytest.mark.parametrize(
    "breakage",
    [
        lambda folder: (folder / "HEAD").unlink(),
        lambda folder: (folder / "HEAD").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "config").write_text("no config at all"),
        lambda folder: (folder / "config").write_text('[remote "origin"]\nurl = https://[::1/x\n'),
        lambda folder: (folder / "config").unlink(),
        lambda folder: (folder / "config").write_bytes(b"\xff"),
    ],
)
def test_odd_git_files_are_no_reason_to_fail(repo, experiment, breakage):
    """A run without git facts is a run."""
    breakage(repo / ".git")
    run = experiment.start_logging(outputs=False)
    run.complete()
    assert run.status == "Completed"


def test_without_git_installed_the_files_still_speak(repo, experiment, monkeypatch):
    """Only dirtiness needs the program."""
    monkeypatch.setenv("PATH", "")
    run = experiment.start_logging(outputs=False)
    run.complete()
    assert "azureml.git.commit" in run.properties
    assert "azureml.git.dirty" not in run.properties


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.org/a.git", "https://example.org/a.git"),
        (f"https://me:{SECRET}@example.org/a.git", "https://example.org/a.git"),
        (f"https://{SECRET}@example.org/a.git", "https://example.org/a.git"),
        (f"https://me:{SECRET}@example.org:8443/a.git", "https://example.org:8443/a.git"),
        (f"https://me:a@{SECRET}@example.org/a.git", "https://example.org/a.git"),
        (f"https://me:{SECRET}#x@example.org/a.git", "https://example.org/a.git"),
        (f"https://me:{SECRET}?x@example.org/a.git", "https://example.org/a.git"),
        (f"https://example.org/a.git?token={SECRET}#{SECRET}", "https://example.org/a.git"),
        (f"https://example.org?token={SECRET}", "https://example.org"),
        (f"ssh://git:{SECRET}@example.org/a.git", "ssh://example.org/a.git"),
        ("git@example.org:team/a.git", "git@example.org:team/a.git"),
        (f"git:{SECRET}@example.org:team/a.git", "git@example.org:team/a.git"),
        ("https://example.org/a@v1/b.git", "https://example.org/a@v1/b.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("../a.git", "../a.git"),
        ("file:///srv/git/a.git", "file:///srv/git/a.git"),
    ],
)
def test_addresses_lose_their_secrets(url, kept):
    """User, password, query and fragment go; what finds the repository stays."""
    assert facts.without_user(url) == kept


def test_an_address_that_git_quoted_loses_its_secret(repo):
    """A password with a # in it stands in quotes in git's config."""
    git("remote", "set-url", "origin", f"https://me:{SECRET}#;x@example.org/a.git", at=repo)
    assert '"' in (repo / ".git/config").read_text().split("url")[1]
    assert facts.git(repo)["azureml.git.repository_uri"] == "https://example.org/a.git"


# -- arguments ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["train.py", "--alpha", "0.03"], ["train.py", "--alpha", "0.03"]),
        (["--password", SECRET], ["--password", "***"]),
        (["--password=" + SECRET], ["--password=***"]),
        (["--db_password", SECRET, "--n", "3"], ["--db_password", "***", "--n", "3"]),
        (["--password_prod", SECRET], ["--password_prod", "***"]),
        (["--db-pwd", SECRET], ["--db-pwd", "***"]),
        (["--db_pwd", SECRET], ["--db_pwd", "***"]),
        (["--basic_auth", SECRET], ["--basic_auth", "***"]),
        (["--api-key", SECRET], ["--api-key", "***"]),
        (["--API_KEY=" + SECRET], ["--API_KEY=***"]),
        (["--apikey", SECRET], ["--apikey", "***"]),
        (["--account-key", SECRET], ["--account-key", "***"]),
        (["--sas", SECRET], ["--sas", "***"]),
        (["--client-secret", SECRET], ["--client-secret", "***"]),
        (["--hf_token", SECRET], ["--hf_token", "***"]),
        (["--connection-string", SECRET], ["--connection-string", "***"]),
        (["--private-key", SECRET], ["--private-key", "***"]),
        (["--credential", SECRET], ["--credential", "***"]),
        (["password=" + SECRET], ["password=***"]),
        (["-token", SECRET], ["-token", "***"]),
        ([f"postgres://me:{SECRET}@host/db"], ["postgres://***@host/db"]),
        ([f"--db=postgres://me:{SECRET}@host/db"], ["--db=postgres://***@host/db"]),
        ([f"postgres://me:a@{SECRET}@host/db"], ["postgres://***@host/db"]),
        (["--password", "--n", "3"], ["--password", "--n", "3"]),
        (["--author", "me"], ["--author", "me"]),
        (["--tokenizer", "bert"], ["--tokenizer", "bert"]),
        (["--passes", "3"], ["--passes", "3"]),
        (["--compass", "north"], ["--compass", "north"]),
        (["a=b", "c"], ["a=b", "c"]),
    ],
    ids=lambda value: " ".join(value).replace(SECRET, "S"),
)
def test_secret_looking_arguments_are_redacted(words, kept):
    """In what is stored; the script has them as they were."""
    assert facts.redacted(words) == kept
    assert not any(SECRET in word for word in facts.redacted(words))


def test_what_is_stored_of_a_script_holds_no_secret(tmp_path):
    """A real process, with a secret in its arguments and one in its environment."""
    (tmp_path / "train.py").write_text(
        "import sys\nfrom azml_integrations.core import Experiment, Workspace\n"
        "run = Experiment(Workspace.create('abc'), 'e').start_logging(outputs=False)\n"
        "print(run._folder)\nassert sys.argv[2] == 'hunter2'\nrun.complete()\n"
    )
    environment = {**os.environ, "AZML_HOME": str(tmp_path / "home"), "AZML_PLUGINS": "", "MY_API_KEY": "swordfish"}
    command = [sys.executable, "train.py", "--api-key", SECRET, "--alpha", "0.03"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    stored = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert '--alpha\\",\\"0.03' in stored
    assert "swordfish" not in stored
    assert [line for line in stored.splitlines() if SECRET in line] == ["assert sys.argv[2] == 'hunter2'"]  # the script
    assert (folder / "about/train.py").read_text() == (tmp_path / "train.py").read_text()
    assert "msgspec==" in (folder / "about/packages.txt").read_text()


def test_arguments_that_are_no_text_are_no_reason_to_fail(experiment, monkeypatch):
    """A file name in Latin-1 comes as a lone surrogate."""
    monkeypatch.setattr(sys, "argv", ["train.py", "gr\udcfcn.csv"])
    run = experiment.start_logging(outputs=False)
    run.complete()
    assert json.loads(run.properties["azml.arguments"]) == ["train.py", "gr\\udcfcn.csv"]


def test_a_directory_that_is_no_text_is_no_reason_to_fail(experiment, tmp_path, monkeypatch):
    """Nor is the folder in which it all happens."""
    odd = os.fsencode(tmp_path) + b"/gr\xfcn"
    os.mkdir(odd)  # noqa: PTH102 - a path of bytes
    monkeypatch.chdir(os.fsdecode(odd))
    run = experiment.start_logging()
    Path("outputs/a.txt").write_text("a")
    run.complete()
    assert run.get_file_names() == ["outputs/a.txt"]


# -- the program -------------------------------------------------------------------------------------


class Shell:
    """An IPython shell that has run two cells."""

    user_ns: ClassVar = {"In": ["", "import azml_integrations", "x = '\ud800'"]}


@pytest.fixture
def notebook(monkeypatch):
    class IPython:
        get_ipython = staticmethod(Shell)

    monkeypatch.setitem(sys.modules, "IPython", IPython)


def test_a_notebooks_cells_are_kept(notebook, experiment):
    """As far as they were run, also those that came after the run began."""
    run = experiment.start_logging(outputs=False)
    Shell.user_ns["In"].append("run.complete()")
    run.complete()
    Shell.user_ns["In"].pop()
    kept = (run._folder / "about/cells.py").read_text()
    assert kept == "# In[1]\nimport azml_integrations\n\n# In[2]\nx = '\\ud800'\n\n# In[3]\nrun.complete()"
    assert facts.script() is None


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("/home/me/train_ridge.py", "train_ridge"),
        ("/home/me/my script (2).py", "my-script-2"),
        ("/home/me/pkg/__main__.py", "pkg"),
        ("/home/me/--.py", "default"),
        ("/home/me/größe.py", "größe"),
        ("/home/me/" + "x" * 300 + ".py", "x" * 255),
        (None, "default"),
    ],
)
def test_an_experiment_that_nobody_named_is_called_after_the_script(monkeypatch, path, stem):
    """As far as the name of an experiment allows."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", path, raising=False)
    assert facts.stem() == stem


def test_or_after_the_notebook(notebook, monkeypatch):
    """Jupyter tells its path."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/Diabetes model.ipynb")
    assert facts.stem() == "Diabetes-model"


def test_packages_are_listed_with_versions():
    """From folder names alone: nothing is imported."""
    listed = facts.packages().splitlines()
    names = [line.partition("==")[0] for line in listed]
    assert names == sorted(set(names))
    assert any(line.startswith("msgspec==") for line in listed)
    assert all("==" in line for line in listed)
