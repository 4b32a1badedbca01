"""Files: listed, copied, mounted; of this machine and of the web."""

import os
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from azml_integrations.core import Dataset
from azml_integrations.errors import (
    DownloadError,
    NameRefusedError,
    OptionError,
    SourceNotFoundError,
    UserErrorException,
)


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures."""
    folder = tmp_path / "pictures"
    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "labels.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def web():
    """A server on this machine: it has one file, one that is cut short, and nothing else."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            who = self.headers.get("Authorization", "nobody").encode()
            files = {"/data/iris.csv": b"sepal,kind\n5.1,setosa\n", "/short.csv": b"ab", "/who.txt": who}
            found = files.get(self.path.partition("?")[0])
            if self.path == "/moved.txt":
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{self.server.server_port}/who.txt")
            else:
                self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(found or b"") + self.path.startswith("/short")))
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_paths_are_relative_to_what_sources_share(pictures):
    """A folder, the fixed part of a pattern, or what several have in common."""

    def paths(*sources):
        return Dataset.File.from_files(list(sources)).to_path()

    assert paths("pictures") == ["/labels.csv", "/cat/1.png", "/cat/2.png", "/dog/1.png"]
    assert paths("pictures/*/1.png") == ["/cat/1.png", "/dog/1.png"]
    assert paths("pictures/**/*.png") == ["/cat/1.png", "/cat/2.png", "/dog/1.png"]
    assert paths("pictures/dog", "pictures/cat/1.png") == ["/dog/1.png", "/cat/1.png"]
    assert paths("pictures/labels.csv", "pictures/labels.csv") == ["/labels.csv"]


def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path):
    """``[1].png`` is a file that browsers make."""
    (tmp_path / "a[1].png").write_text("x")
    assert Dataset.File.from_files("a[1].png").to_path() == ["/a[1].png"]


def test_download_copies_all_or_nothing(pictures):
    """What is there is not replaced unless asked; nothing is copied then."""
    dataset = Dataset.File.from_files("pictures")
    copies = dataset.download("copy")
    assert copies == [str(Path("copy").absolute() / path[1:]) for path in dataset.to_path()]
    assert Path("copy/cat/2.png").read_text() == "cat/2.png"

    (pictures / "cat" / "2.png").write_text("new")
    (pictures / "cat" / "0.png").write_text("new")
    with pytest.raises(UserErrorException, match="overwrite=True"):
        dataset.download("copy")
    assert not Path("copy/cat/0.png").exists()
    dataset.download("copy", overwrite=True)
    assert Path("copy/cat/2.png").read_text() == "new"
    Path(copies[0]).write_text("mine")
    assert (pictures / "labels.csv").read_text() == "labels.csv"


def test_download_finds_a_place_and_may_find_nothing(pictures):
    """A temporary folder by default; an empty list where that is asked for."""
    (copy,) = Dataset.File.from_files("pictures/labels.csv").download()
    assert Path(copy).read_text() == "labels.csv"
    gone = Dataset.File.from_files("pictures/none", validate=False)
    assert gone.download("there", ignore_not_found=True) == []
    with pytest.raises(SourceNotFoundError):
        gone.download("there")


def test_take_skip_and_split_count_files(pictures):
    """In the order of `to_path`."""
    dataset = Dataset.File.from_files("pictures")
    assert dataset.take(2).to_path() == ["/labels.csv", "/cat/1.png"]
    assert dataset.skip(3).to_path() == ["/dog/1.png"]
    first, second = dataset.random_split(0.5, seed=3)
    assert sorted(first.to_path() + second.to_path()) == sorted(dataset.to_path())
    assert dataset.take_sample(1.0).to_path() == dataset.to_path()


def test_keys_in_the_paths(pictures):
    """As of rows."""
    dataset = Dataset.File.from_files("pictures/*/*.png", partition_format="/{kind}/*.png")
    assert (dataset.partition_keys, dataset.get_partition_key_values()) == (
        ["kind"],
        [{"kind": "cat"}, {"kind": "dog"}],
    )
    assert Dataset.File.from_files("pictures").partition_keys == []


def test_mounting_copies_nothing_and_leaves_nothing(pictures):
    """Symbolic links in a temporary folder, gone with the block; the data stay."""
    with Dataset.File.from_files("pictures/*/1.png").mount() as mounted:
        folder = Path(mounted.mount_point)
        assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png")) == [
            "cat/1.png",
            "dog/1.png",
        ]
        assert (folder / "cat" / "1.png").is_symlink()
        assert (folder / "cat" / "1.png").read_text() == "cat/1.png"
        (folder / "cat" / "note.txt").write_text("written beside them")
    assert not folder.exists()
    assert sorted(path.name for path in (pictures / "cat").iterdir()) == ["1.png", "2.png"]


def test_mounting_at_a_place_takes_away_what_it_brought(pictures, tmp_path):
    """What the user put into the folder stays; a folder that holds something is not mounted over."""
    dataset = Dataset.File.from_files("pictures")
    mounted = dataset.mount("here")
    mounted.start()
    assert Path(mounted.mount_point) == tmp_path / "here"
    Path("here/cat/mine.txt").write_text("mine")
    mounted.stop()
    assert sorted(path.name for path in Path("here").rglob("*")) == ["cat", "mine.txt"]
    with pytest.raises(UserErrorException, match="empty folder"):
        dataset.mount("here").start()


def test_it_tells_when_its_files_changed(pictures):
    """The moment of the last change of any of them."""
    os.utime(pictures / "labels.csv", (2_000_000_000, 2_000_000_000))
    assert Dataset.File.from_files("pictures").data_changed_time == datetime.fromtimestamp(2_000_000_000, UTC)


def test_upload_directory_copies_into_a_datastore(workspace, pictures, capsys):
    """Then the dataset lies there, whatever becomes of the original."""
    store = workspace.get_default_datastore()
    dataset = Dataset.File.upload_directory("pictures", (store, "in"), pattern="*.png")
    assert "copied in/cat/1.png" in capsys.readouterr().out
    (pictures / "cat" / "1.png").unlink()

    assert dataset.to_path() == ["/cat/1.png", "/cat/2.png", "/dog/1.png"]
    assert dataset.register(workspace, "pictures").to_path() == dataset.to_path()
    with pytest.raises(SourceNotFoundError, match="pattern"):
        Dataset.File.upload_directory("pictures", (store, "in"), pattern="*.tif")
    with pytest.raises(NameRefusedError):
        Dataset.File.upload_directory("pictures", (store, "../in"))
    with pytest.raises(OptionError, match="target"):
        Dataset.File.upload_directory("pictures", "in")


# -- the web -----------------------------------------------------------------------------------------


def test_an_address_is_fetched_only_when_it_is_read(web, workspace):
    """Making and registering need no network; reading does."""
    url = f"{web}/data/iris.csv"
    rows = Dataset.Tabular.from_delimited_files(url).register(workspace, "iris")
    files = Dataset.File.from_files([url])

    assert rows.to_pandas_dataframe().to_dict("list") == {"sepal": [5.1], "kind": ["setosa"]}
    (path,) = files.to_path()
    assert path == f"/http/{web.removeprefix('http://')}/data/iris.csv"
    (copy,) = files.download("there")
    assert copy == str(Path("there").absolute()) + path
    with files.mount() as mounted:
        assert Path(mounted.mount_point + path).read_text().startswith("sepal")


def test_without_a_network_one_clear_error_says_what_to_do(workspace):
    """No secret of the address is in it, and nothing of the file is left."""
    url = "http://me:secret@127.0.0.1:9/iris.csv?sig=secret"  # nobody listens on the port "discard"
    dataset = Dataset.File.from_files(url)
    with pytest.raises(DownloadError, match=r"cannot fetch http://127\.0\.0\.1:9/iris\.csv\?\.\.\.: .*network") as told:
        dataset.download("there")
    assert "secret" not in str(told.value)
    assert isinstance(told.value, OSError)
    assert [path for path in Path("there").rglob("*") if path.is_file()] == []
    with pytest.raises(DownloadError, match="fetch the file once by other means"):
        Dataset.Tabular.from_delimited_files(url).to_pandas_dataframe()


def test_a_name_and_password_go_to_their_host_only(web):
    """They are no part of any message, and no other host that the address leads to is told them."""
    with_name = web.replace("http://", "http://me:s%40cret@")

    def content(name: str) -> str:
        (copy,) = Dataset.File.from_files(f"{with_name}/{name}").download()
        return Path(copy).read_text()

    assert content("who.txt") == "Basic bWU6c0BjcmV0"  # me:s@cret
    assert content("moved.txt") == "nobody"
    with pytest.raises(DownloadError) as told:
        content("none.txt")
    assert "cret" not in str(told.value)
    assert "me:" not in str(told.value)


def test_what_is_not_there_or_cut_short_is_no_file(web):
    """Half a file would be wrong rows."""
    with pytest.raises(DownloadError, match="404"):
        Dataset.File.from_files(f"{web}/none.csv").download("there")
    with pytest.raises(DownloadError, match="2 of 3 bytes"):
        Dataset.File.from_files(f"{web}/short.csv").download("there")
    assert [path for path in Path("there").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("url", ["http://host/../../x", "http://host/a//b", "http://host/a/%2e%2e/%2e%2e/%2e%2e/b"])
def test_an_address_leads_out_of_no_folder(url):
    """Its parts become names of folders."""
    with pytest.raises(NameRefusedError):
        Dataset.File.from_files(url)
