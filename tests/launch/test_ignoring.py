"""What belongs to a snapshot: the ignore file's word first, then common sense, and all of it told."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azml_integrations.errors import SnapshotException
from azml_integrations.launch.ignoring import Walk, is_secret


def fill(folder: Path, *paths: str) -> Path:
    """Make files whose content is their name; a path that ends in ``/`` is an empty folder."""
    for path in paths:
        place = folder / path
        (place if path.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            place.write_text(path)
    return folder


def walk(folder: Path, *without: Path, most: int = 10_000):
    return Walk(folder, without, most).found()


def taken(folder: Path, *without: Path) -> list[str]:
    return [file.path for file in walk(folder, *without).files]


def left_out(folder: Path) -> dict[str, str]:
    return {left.path: left.reason for left in walk(folder).left_out}


# -- the ignore file ---------------------------------------------------------------------------------


def test_without_an_ignore_file_everything_goes(tmp_path):
    """As in SDK v1; hidden files too."""
    fill(tmp_path, "train.py", "lib/a.py", ".hidden", "data/x.csv")
    assert taken(tmp_path) == [".hidden", "data/x.csv", "lib/a.py", "train.py"]


def test_amlignore_stands_in_the_place_of_gitignore(tmp_path):
    """They are never combined."""
    fill(tmp_path, "a.log", "b.tmp", "train.py")
    (tmp_path / ".gitignore").write_text("*.log\n")
    assert taken(tmp_path) == [".gitignore", "b.tmp", "train.py"]

    (tmp_path / ".amlignore").write_text("*.tmp\n")
    assert taken(tmp_path) == [".amlignore", ".gitignore", "a.log", "train.py"]


def test_ignore_files_below_the_root_say_nothing(tmp_path):
    """Only the root's counts."""
    fill(tmp_path, "sub/a.log")
    (tmp_path / "sub/.gitignore").write_text("*.log\n")
    assert taken(tmp_path) == ["sub/.gitignore", "sub/a.log"]


def test_what_is_ignored_is_told_with_the_file_that_says_so(tmp_path):
    """A folder once, not each of its files."""
    fill(tmp_path, "data/a", "data/b", "keep")
    (tmp_path / ".amlignore").write_text("\ufeffdata/\r\n")  # as a Windows editor writes it
    assert left_out(tmp_path) == {"data/": "ignored by .amlignore"}
    assert taken(tmp_path) == [".amlignore", "keep"]


_NAMES = ["a", "b", "c.py", "d.log"]
_PATHS = [f"{one}/{two}/{three}" for one in _NAMES[:2] for two in _NAMES[:2] for three in _NAMES[2:]]
_PATHS += ["#", "a /x", "-", "]", "b]", "[a"]
_PATHS += [f"{one}/{two}" for one in _NAMES[:2] for two in _NAMES[2:]] + _NAMES[2:]
_GLOBS = r"* ** *** *.py ? [ab] c* [!a] [^b-z] [[:alpha:]] []a] [a \a a\ **a [\]b] #a \# [a-] [-a] [z-a] d.lo[f-h]"
_PARTS = st.sampled_from([*_NAMES, *_GLOBS.split(), "", "a ", "?\\ "])
_PATTERNS = st.builds(
    lambda no, first, parts, last: f"{no}{first}{'/'.join(parts)}{last}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(_PARTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", " ", "/**"]),
)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the judge here")
@settings(max_examples=60)
@given(lines=st.lists(_PATTERNS, max_size=5))
def test_the_syntax_is_git_s(tmp_path_factory, lines):
    """Every file that git would list, and no other."""
    folder = fill(tmp_path_factory.mktemp("source"), *_PATHS)
    (folder / ".gitignore").write_text("\n".join(lines) + "\n")
    subprocess.run(["git", "init", "-q", folder], check=True)
    command = ["git", "-c", "core.excludesFile=", "ls-files", "-o", "--exclude-standard"]
    git = subprocess.run([*command, "-z"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert taken(folder) == sorted(filter(None, git.split("\0")))


def test_the_common_ways_to_list_what_to_keep(tmp_path):
    """``*`` and then ``!``, as many write it."""
    fill(tmp_path, "src/a.py", "src/x.bin", "b.py", "data/c.py", "data/d")
    for lines, expected in {
        "*\n!*/\n!*.py\n": ["b.py", "data/c.py", "src/a.py"],
        "/*\n!/src\n": ["src/a.py", "src/x.bin"],
        "*\n!src/\n!src/**\n": ["src/a.py", "src/x.bin"],
        "data/**\n!data/d\n/.gitignore": ["b.py", "data/d", "src/a.py", "src/x.bin"],
    }.items():
        (tmp_path / ".gitignore").write_text(lines)
        assert taken(tmp_path) == expected


# -- what nobody means to copy -----------------------------------------------------------------------


def test_version_control_caches_and_environments_are_left_out(tmp_path):
    """Each with its reason, wherever it lies."""
    fill(tmp_path, "train.py", ".git/config", "lib/__pycache__/a.pyc", ".venv/pyvenv.cfg", "env/conda-meta/x", "env/b")
    fill(tmp_path, "lib/python3.11/site-packages/x.py", "worktree/.git")
    assert taken(tmp_path) == ["train.py"]
    assert left_out(tmp_path) == {
        ".git/": "version control",
        ".venv/": "a virtual environment",
        "env/": "a virtual environment",
        "lib/__pycache__/": "a cache",
        "lib/python3.11/site-packages/": "installed packages",
        "worktree/.git": "version control",
    }


SECRET = """
.env .env.local .env.production prod.env .envrc server.pem tls.key id_rsa id_ed25519 .netrc _netrc .pypirc .npmrc
.git-credentials .pgpass .htpasswd credentials credentials.json kaggle.json my_credentials.json client_secret_12.json
service-account.json service_account-prod.json application_default_credentials.json secrets.toml secrets.yaml
azureauth.json x.publishsettings local.settings.json terraform.tfstate keys.kdbx store.jks cert.pfx cert.p12
.vault-token .bash_history .python_history .databrickscfg .s3cfg .boto kubeconfig ID_RSA .ENV Server.PEM
"""
HARMLESS = """
.env.example .env.sample .env.template .env.dist env.py environment.yml id_rsa.pub config.json .gitignore .amlignore
keys.py secrets.py tokenizer.json token.py monkey.py key.txt conda.yml pip.conf train.py keyboard.json .python-version
public.crt .flake8 .amlignore .azureml
"""


def test_files_that_may_hold_secrets_are_known_by_name():
    """A user is angry at one copied key, and at one missing program."""
    assert [name for name in SECRET.split() if not is_secret(name)] == []
    assert [name for name in HARMLESS.split() if is_secret(name)] == []


def test_secrets_are_left_out_and_told(tmp_path):
    """Folders of cloud tools as a whole; the workspace's config.json stays."""
    fill(tmp_path, ".env", ".env.example", ".ssh/config", ".aws/x", "deep/er/id_rsa", ".azureml/config.json")
    assert taken(tmp_path) == [".azureml/config.json", ".env.example"]
    assert left_out(tmp_path) == dict.fromkeys((".aws/", ".env", ".ssh/", "deep/er/id_rsa"), "it may hold secrets")


def test_who_names_a_file_gets_it(tmp_path):
    """``!name`` is the way to take along what is left out by default."""
    fill(tmp_path, "certs/ca.pem", "certs/own.key", "src/.env", "src/a.py", "lib/site-packages/x.py")
    (tmp_path / ".amlignore").write_text("!certs/ca.pem\n!site-packages/\n")
    assert taken(tmp_path) == [".amlignore", "certs/ca.pem", "lib/site-packages/x.py", "src/a.py"]


@pytest.mark.parametrize("lines", ["/*\n!/src\n", "*\n!src/\n!src/**\n", "*\n!*/\n!src/*\n!*.py\n"])
def test_who_names_a_folder_does_not_ask_for_its_secrets(tmp_path, lines):
    """An ignore file that lists what to keep is common, and says nothing about keys."""
    fill(tmp_path, "src/.env", "src/a.py", "other/b.txt")
    (tmp_path / ".gitignore").write_text(lines)
    assert taken(tmp_path) == ["src/a.py"]


def test_a_workspace_is_left_out(tmp_path):
    """A home folder holds workspaces, and runs hold copies of everything."""
    fill(tmp_path, "train.py", "home/w/workspace.json", "home/w/runs/r/x", "home/w/experiments/", "ours/x")
    assert taken(tmp_path, tmp_path / "ours") == ["train.py"]
    assert left_out(tmp_path) == {"home/w/": "a workspace"}


def test_what_is_no_file_is_left_out_and_not_waited_for(tmp_path, monkeypatch):
    """A pipe that is opened waits for ever."""
    fill(tmp_path, "train.py")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # the name of a socket has at most 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert taken(tmp_path) == ["train.py"]
        assert left_out(tmp_path) == dict.fromkeys(("pipe", "socket"), "no regular file")


def test_empty_folders_are_kept(tmp_path):
    """A program may write into them; of a folder whose content is left out, the folder stays."""
    fill(tmp_path, "results/", "deep/er/", "checkpoints/a.ckpt", "train.py")
    (tmp_path / ".amlignore").write_text("*.ckpt\n")
    assert walk(tmp_path).folders == ["checkpoints", "deep/er", "results"]


# -- symbolic links ----------------------------------------------------------------------------------


def test_links_within_the_folder_are_followed(tmp_path):
    """As copies: what they lead to belongs to the program."""
    fill(tmp_path, "real/a.py", "b.py")
    (tmp_path / "alias").symlink_to("real")
    (tmp_path / "c.py").symlink_to(tmp_path / "b.py")
    assert taken(tmp_path) == ["alias/a.py", "b.py", "c.py", "real/a.py"]


def test_links_that_lead_elsewhere_are_left_out(tmp_path):
    """A snapshot has what lies in the folder; not what somebody else's link points at."""
    fill(tmp_path, "outside/secret", "outside2/x", "source/a.py")
    source = tmp_path / "source"
    (source / "up").symlink_to("../outside")
    (source / "file").symlink_to(tmp_path / "outside/secret")
    (source / "passwd").symlink_to("/etc/passwd")
    (source / "broken").symlink_to("nowhere")
    (source / "twin").symlink_to(tmp_path / "source2")  # a name that only begins like the folder's
    (tmp_path / "source2").mkdir()
    assert taken(source) == ["a.py"]
    assert left_out(source) == {
        "broken": "a symbolic link to nothing",
        "file": "a symbolic link out of the folder",
        "passwd": "a symbolic link out of the folder",
        "twin/": "a symbolic link out of the folder",
        "up/": "a symbolic link out of the folder",
    }


def test_a_link_is_no_way_around_what_is_left_out(tmp_path):
    """A key under another name is still a key."""
    fill(tmp_path, ".env", ".git/config", "raw/x.csv", "a.py")
    (tmp_path / ".gitignore").write_text("/raw\n")
    for name, target in {"settings": ".env", "repo": ".git", "origin": ".git/config", "data": "raw/x.csv"}.items():
        (tmp_path / name).symlink_to(target)
    assert taken(tmp_path) == [".gitignore", "a.py"]
    assert left_out(tmp_path)["settings"] == "a symbolic link to what is left out: it may hold secrets"
    assert left_out(tmp_path)["data"] == "a symbolic link to what is left out: ignored by .gitignore"


def test_loops_end(tmp_path):
    """Of links to folders around them, to each other, and to themselves."""
    fill(tmp_path, "a/b/c.py", "d/e.py")
    (tmp_path / "a/b/up").symlink_to("../../a")
    (tmp_path / "root").symlink_to(".")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "a/other").symlink_to("../d")
    (tmp_path / "d/other").symlink_to("../a")
    assert taken(tmp_path) == ["a/b/c.py", "a/other/e.py", "d/e.py", "d/other/b/c.py"]


def test_links_that_multiply_end(tmp_path):
    """Two links in each of 30 folders would be a billion files."""
    for n in range(30):
        fill(tmp_path, f"{n}/file")
        for name in "xy":
            (tmp_path / f"{n}" / name).symlink_to(f"../{n + 1}")
    with pytest.raises(SnapshotException, match="more than 2,000"):
        walk(tmp_path, most=2_000)


def test_links_within_links_are_followed_for_a_while(tmp_path):
    """Eight deep; then the link is left out, and told."""
    for n in range(10):
        fill(tmp_path, f"{n}/file")
        (tmp_path / f"{n}" / "x").symlink_to(f"../{n + 1}")
    fill(tmp_path, "10/file")
    assert "0/" + "x/" * 8 + "file" in taken(tmp_path)
    assert left_out(tmp_path)["0/" + "x/" * 9] == "more than 8 symbolic links within one another"


# -- too much ----------------------------------------------------------------------------------------


def test_a_folder_with_too_much_in_it_is_given_up(tmp_path):
    """Ignored files count: it is the looking that takes long."""
    fill(tmp_path, *(f"{n}.log" for n in range(11)))
    (tmp_path / ".amlignore").write_text("*.log\n")
    with pytest.raises(SnapshotException, match=r"more than 11 files and folders.*AZML_SNAPSHOT_MAX_FILES"):
        walk(tmp_path, most=11)
    assert len(walk(tmp_path, most=12).files) == 1


def test_folders_nested_without_end_are_one_error(tmp_path):
    """Who copies and deletes them goes as deep."""
    fill(tmp_path, "d/" * 127 + "file")
    assert len(taken(tmp_path)) == 1
    fill(tmp_path, "d/" * 128 + "file")
    with pytest.raises(SnapshotException, match="nested more than 128 deep"):
        walk(tmp_path)
