"""Lines for pip: read as pip reads them, and never one of the SDK."""

import pytest

from azml_integrations.errors import SourceNotFoundError, SpecificationError
from azml_integrations.launch.requirements import comparable, expand, is_azureml, package, pip_version, wanted


@pytest.mark.parametrize(
    "line",
    [
        "azureml",
        "azureml-core",
        "AzureML_Core==1.61.0",
        "azureml.core",
        "azureml-sdk[notebooks,automl]>=1.0",
        "azureml-defaults ; python_version < '3.9'",
        "azureml-train-core~=1.0,!=1.2",
        "azureml-core @ https://example.org/azureml_core-1.0-py3-none-any.whl",
        "./wheels/azureml_core-1.61.0-py3-none-any.whl",
        "https://example.org/azureml-telemetry-1.0.tar.gz",
        "git+https://example.org/sdk.git@main#egg=azureml-core",
        "-e git+https://example.org/sdk.git#egg=azureml_core",
        "-e ./azureml-core",
        "--editable=../azureml-core",
    ],
)
def test_packages_of_the_sdk_are_known_however_they_are_written(line):
    """None of them is ever installed."""
    assert is_azureml(line)


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "azml-azureml",
        "my-azureml-core",
        "azuremlx",
        "--index-url https://example.org/azureml",
        "-e .",
        "./lib",
    ],
)
def test_others_are_left_alone(line):
    """A filter that takes too much would be as bad."""
    assert not is_azureml(line)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("scikit_learn[alldeps] >= 1.0", "scikit-learn"),
        ("torch(>=2)", "torch"),
        ("x", "x"),
        ("--pre", None),
        ("./dist/my_lib-2.0-py3-none-any.whl", "my-lib"),
        ("https://example.org/my-lib-2.0.tar.gz#sha256=00", "my-lib"),
    ],
)
def test_the_name_of_a_package_is_read(line, name):
    """In the spelling by which indexes compare."""
    assert package(line) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NumPy >= 1.2", "numpy>=1.2"),
        ("scikit_learn", "scikit-learn"),
        ("a [x] == 1", "a[x]==1"),
        ("a;  python_version > '3'", "a ; python_version > '3'"),
        ("--index-url   https://x", "--index-url https://x"),
    ],
)
def test_lines_that_mean_the_same_compare_equal(one, other):
    """So that one environment serves both."""
    assert comparable(one) == comparable(other)


def test_files_are_read_in(tmp_path):
    """Comments go, lines that are continued are one, and paths are relative to the file that names them."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("scipy\n./lib\n-c pins.txt\n")
    (tmp_path / "requirements.txt").write_text(
        "# a comment\nnumpy>=1.20 \\\n  --hash=sha256:00  # pinned\n\n-r more/base.txt\n--extra-index-url https://x/#y\n"
    )
    assert expand(["-r requirements.txt", "pandas"], tmp_path) == [
        "numpy>=1.20 --hash=sha256:00",
        "scipy",
        str(tmp_path / "more" / "lib"),
        f"-c {tmp_path / 'more' / 'pins.txt'}",
        "--extra-index-url https://x/#y",
        "pandas",
    ]


@pytest.mark.parametrize(
    ("line", "absolute"),
    [
        ("-e .", "-e {0}"),
        ("--editable ./lib[test]", "-e {0}/lib[test]"),
        ("--find-links wheels", "--find-links {0}/wheels"),
        ("-f https://x/", "-f https://x/"),
        ("lib.whl ; python_version > '3'", "{0}/lib.whl ; python_version > '3'"),
        ("--requirement=https://x/r.txt", "--requirement=https://x/r.txt"),
    ],
)
def test_paths_are_made_absolute(tmp_path, line, absolute):
    """Pip runs elsewhere."""
    assert expand([line], tmp_path) == [absolute.format(tmp_path)]


def test_a_file_that_is_not_there_is_told(tmp_path):
    """By its whole path."""
    with pytest.raises(SourceNotFoundError, match=r"nothing\.txt"):
        expand(["-r nothing.txt"], tmp_path)


def test_files_that_name_each_other_are_told(tmp_path):
    """Rather than read for ever."""
    (tmp_path / "a.txt").write_text("-rb.txt\n")
    (tmp_path / "b.txt").write_text("-r a.txt\n")
    with pytest.raises(SpecificationError, match="names itself"):
        expand(["-r a.txt"], tmp_path)


@pytest.mark.parametrize(
    ("conda", "pip"),
    [
        ("", ""),
        ("=1.2", "==1.2.*"),
        ("=1.2.*", "==1.2.*"),
        ("==1.2.3", "==1.2.3"),
        ("=1.2.3=py38_0", "==1.2.3"),
        ("1.2.3 py38_0", "==1.2.3"),
        ("1.2", "==1.2"),
        (">=1.2,<2", ">=1.2,<2"),
        (">=1.2, <2", ">=1.2,<2"),
        ("[version='>=1.0']", ">=1.0"),
        ("*", ""),
    ],
)
def test_versions_of_conda_are_told_to_pip(conda, pip):
    """In conda one equals sign means every 1.2.x."""
    assert pip_version(conda) == pip


def test_a_conda_specification_becomes_lines_for_pip():
    """What pip knows is taken from pip, what it does not is told, and the SDK's own packages are left out."""
    found = wanted(
        {
            "dependencies": [
                "python=3.8",
                "pip=23",
                "numpy",
                "conda-forge::scikit-learn=1.2",
                "pytorch::pytorch>=2",
                "cudatoolkit=11",
                "azureml-core",
                {"pip": ["azureml-defaults", "tqdm", "--extra-index-url https://x"]},
            ]
        }
    )
    assert found.requirements == ("numpy", "scikit-learn==1.2.*", "torch>=2", "tqdm", "--extra-index-url https://x")
    assert found.packages == ("numpy", "scikit-learn==1.2.*", "torch>=2", "tqdm")
    assert found.python == "3.8"
    notes = "\n".join(found.notes)
    assert "'cudatoolkit=11' left out" in notes
    assert "'conda-forge::scikit-learn=1.2' taken from pip as 'scikit-learn==1.2.*'" in notes
    assert "azureml-core, azureml-defaults not installed" in notes
    assert "numpy" not in notes
