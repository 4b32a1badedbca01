"""Rows in columns: read by pandas when they are asked for, and never before."""

import gzip
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest

from azml_integrations.core import Dataset, DataType
from azml_integrations.core.dataset_factory import PromoteHeadersBehavior
from azml_integrations.errors import (
    DatasetTimestampMissingError,
    NeedsCloudError,
    OptionError,
    SourceNotFoundError,
    UserErrorException,
)


@pytest.fixture
def write(tmp_path):
    """Write a file below the test's folder, and return its path."""

    def put(name: str, text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=encoding)
        return path

    return put


@pytest.fixture
def hundred(write):
    """A hundred rows."""
    return Dataset.Tabular.from_delimited_files(write("rows.csv", "n\n" + "\n".join(map(str, range(100))) + "\n"))


def naive(*parts: int) -> datetime:
    """Return a moment without a time zone, as old scripts write them."""
    return datetime(*parts)  # noqa: DTZ001 - that is the point


def read(*arguments, **options) -> pd.DataFrame:
    return Dataset.Tabular.from_delimited_files(*arguments, **options).to_pandas_dataframe()


# -- delimited files ---------------------------------------------------------------------------------


def test_types_are_found(write):
    """Numbers, booleans, texts, and moments in ISO 8601; what looks a little like a moment stays a text."""
    rows = read(
        write("a.csv", "n,x,b,t,day,at,code\n1,1.5,true,ab,2020-01-02,2020-01-02T03:04:05Z,2020-13\n2,,false,,,,x\n")
    )

    assert [str(kind) for kind in rows.dtypes[:3]] == ["int64", "float64", "bool"]
    assert rows["day"][0] == pd.Timestamp("2020-01-02")
    assert rows["at"][0] == pd.Timestamp("2020-01-02 03:04:05", tz="UTC")
    assert pd.isna(rows["day"][1])
    assert rows["code"].tolist() == ["2020-13", "x"]
    assert pd.isna(rows["t"][1])


def test_without_inference_all_is_text(write):
    """A postcode keeps its zeros."""
    rows = read(write("a.csv", "code,n\n01069,1\n"), infer_column_types=False)
    assert rows.to_numpy().tolist() == [["01069", "1"]]


def test_types_are_set(write):
    """What cannot be turned into its column's type is null, as in SDK v1."""
    path = write("a.csv", "s,l,f,b,d\n007,12,1.5,True,31.12.2019\n1e3,x,y,z,2019-12-30\n")
    kinds = {
        "s": DataType.to_string(),
        "l": DataType.to_long(),
        "f": DataType.to_float(),
        "b": DataType.to_bool(),
        "d": DataType.to_datetime(["%d.%m.%Y", "%Y-%m-%d"]),
        "not there": DataType.to_long(),
    }
    rows = read(path, set_column_types=kinds)

    assert rows.loc[0].tolist() == ["007", 12, 1.5, True, pd.Timestamp("2019-12-31")]
    assert rows.loc[1, "s"] == "1e3"
    assert rows.loc[1, ["l", "f", "b"]].isna().all()
    assert rows.loc[1, "d"] == pd.Timestamp("2019-12-30")
    with pytest.raises(OptionError, match="DataType"):
        read(path, set_column_types={"s": str})


@pytest.mark.parametrize(("name", "spelled"), [("iso88591", "latin-1"), ("utf8bom", "utf-8-sig"), ("utf16", "utf-16")])
def test_encodings_have_sdk_v1_s_names(write, name, spelled):
    """Also those that Python spells otherwise."""
    assert read(write("a.csv", "größe\nä\n", spelled), encoding=name).to_dict("list") == {"größe": ["ä"]}
    with pytest.raises(OptionError, match="encoding"):
        read("a.csv", encoding="klingon")


@pytest.mark.parametrize("separator", [";", "\t", "||", " "])
def test_separators(write, separator):
    """Of one character and of several, never taken for a pattern."""
    text = f"a{separator}b\n1{separator}2.5\n"
    assert read(write("a.csv", text), separator=separator).to_dict("list") == {"a": [1], "b": [2.5]}


def test_headers(write):
    """None, in the first file only, or in each."""
    write("h/1.csv", "a,b\n1,2\n")
    write("h/2.csv", "3,4\n")
    assert read("h", header=PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS).to_dict("list") == {
        "a": [1, 3],
        "b": [2, 4],
    }
    bare = read("h/2.csv", header=False, set_column_types={"Column2": DataType.to_string()})
    assert bare.to_dict("list") == {"Column1": [3], "Column2": ["4"]}
    told = read("h", header=PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS, partition_format="/{n}.csv")
    assert told.to_dict("list") == {"a": [1, 3], "b": [2, 4], "n": ["1", "2"]}
    write("c/1.csv", "a,b\n1,2\n")
    write("c/2.csv", "b,c\n4,5\n")
    assert list(read("c", header=PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS).columns) == ["a", "b", "c"]
    with pytest.raises(OptionError, match="header"):
        read("h", header=7)


def test_line_breaks_in_quotes_and_empty_fields(write):
    """A quoted line break ends no row; an empty text is null unless asked for."""
    path = write("a.csv", 'a,b,n\n"x\ny",,\n')
    assert read(path).loc[0, "a"] == "x\ny"
    assert pd.isna(read(path).loc[0, "b"])
    typed = read(path, empty_as_string=True, set_column_types={"b": DataType.to_string()})
    assert typed.loc[0, "b"] == ""
    assert pd.isna(typed.loc[0, "n"])


def test_folders_patterns_and_compressed_files(write, tmp_path):
    """In the order of their names; what Spark wrote beside its files is no data."""
    write("d/2.csv", "n\n2\n")
    write("d/1.csv", "n\n1\n")
    write("d/_SUCCESS", "")
    write("d/sub/.hidden.crc", "x")
    (tmp_path / "d" / "3.csv.gz").write_bytes(gzip.compress(b"n\n3\n"))

    assert read("d")["n"].tolist() == [1, 2, 3]
    assert read("d/*.csv", include_path=True).to_dict("list") == {"Path": ["/1.csv", "/2.csv"], "n": [1, 2]}
    assert read(["d/2.csv", "d/1.csv"])["n"].tolist() == [2, 1]


def test_empty_files_are_no_rows(write, tmp_path):
    """A folder may hold one."""
    write("d/1.csv", "")
    write("d/2.csv", "n\n1\n")
    assert read("d")["n"].tolist() == [1]
    assert len(read("d/1.csv")) == 0
    write("e/1.csv", "n,when\n")
    write("e/2.csv", "n,when\n1,2020-01-01\n")
    assert [str(kind)[:10] for kind in read("e").dtypes] == ["int64", "datetime64"]  # those of the rows there are
    assert list(read("e/1.csv").columns) == ["n", "when"]
    (tmp_path / "f").mkdir()
    assert read("f").empty


def test_keys_in_the_paths_become_columns(write):
    """``{name}`` is a text, ``{name:yyyy/MM/dd}`` a moment."""
    write("in/north/2019/01/31/data.csv", "n\n1\n")
    write("in/south/2020/12/01/data.csv", "n\n2\n")
    dataset = Dataset.Tabular.from_delimited_files("in", partition_format="/{region}/{day:yyyy/MM/dd}/data.csv")

    assert dataset.partition_keys == ["region", "day"]
    assert dataset.get_partition_key_values(["region"]) == [{"region": "north"}, {"region": "south"}]
    assert dataset.to_pandas_dataframe().to_numpy().tolist() == [
        [1, "north", pd.Timestamp("2019-01-31")],
        [2, "south", pd.Timestamp("2020-12-01")],
    ]
    with pytest.raises(UserErrorException, match="does not fit"):
        read("in", partition_format="/{a}/{b}/other.csv")
    with pytest.raises(UserErrorException, match="has a column 'n', which its path tells too"):
        read("in", partition_format="/{n}/*/*/*/data.csv")
    for wrong in ("/no/key", "/{a}/{a}", "/{a:hello}", "/{a", "{}"):
        with pytest.raises(OptionError, match="partition_format"):
            read("in", partition_format=wrong)


def test_what_cannot_be_read_is_said_with_its_file(write, tmp_path):
    """One clear error that names the file."""
    (tmp_path / "a.csv").write_bytes(b"a,b\n\xff\xfe\n")
    with pytest.raises(UserErrorException, match=r"/a\.csv cannot be read as delimited"):
        read("a.csv")
    gone = Dataset.Tabular.from_delimited_files(write("b.csv", "n\n1\n"))
    (tmp_path / "b.csv").unlink()
    with pytest.raises(SourceNotFoundError, match=r"b\.csv"):
        gone.to_pandas_dataframe()


# -- other files -------------------------------------------------------------------------------------


def test_json_lines(write, tmp_path):
    """One object a line, blank lines left out, bad ones said or dropped."""
    text = json.dumps({"a": 1, "at": "2020-01-01"}) + "\n\n" + json.dumps({"a": 2, "b": "x"}) + "\n"
    rows = Dataset.Tabular.from_json_lines_files(write("a.jsonl", text)).to_pandas_dataframe()
    assert rows["a"].tolist() == [1, 2]
    assert rows["at"][0] == pd.Timestamp("2020-01-01")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    assert len(Dataset.Tabular.from_json_lines_files("a.jsonl.gz").take(1).to_pandas_dataframe()) == 1

    bad = write("bad.jsonl", '{"a": 1}\nnonsense\n[1]\n')
    with pytest.raises(UserErrorException, match="line 2 is no JSON object"):
        Dataset.Tabular.from_json_lines_files(bad).to_pandas_dataframe()
    assert Dataset.Tabular.from_json_lines_files(bad, invalid_lines="drop").to_pandas_dataframe()["a"].tolist() == [1]
    with pytest.raises(OptionError, match="invalid_lines"):
        Dataset.Tabular.from_json_lines_files(bad, invalid_lines="maybe")


def test_parquet_comes_back_as_it_went(workspace, capsys):
    """A data frame is registered as a parquet file in a datastore; each time as a new version."""
    rows = pd.DataFrame({"n": [1, 2], "at": pd.to_datetime(["2020-01-01", None]), "s": ["a", None]})
    store = workspace.get_default_datastore()
    first = Dataset.Tabular.register_pandas_dataframe(rows, (store, "frames"), "frame", "two rows", {"a": "b"})
    second = Dataset.Tabular.register_pandas_dataframe(rows.head(1), store, "frame", show_progress=False)

    assert "wrote 2 rows to frames/" in capsys.readouterr().out
    assert (first.version, second.version, first.description, first.tags) == (1, 2, "two rows", {"a": "b"})
    pd.testing.assert_frame_equal(Dataset.get_by_name(workspace, "frame", 1).to_pandas_dataframe(), rows)
    assert len(Dataset.get_by_name(workspace, "frame").to_pandas_dataframe()) == 1
    with pytest.raises(OptionError, match="DataFrame"):
        Dataset.Tabular.register_pandas_dataframe([1], store, "frame")
    with pytest.raises(OptionError, match="target"):
        Dataset.Tabular.register_pandas_dataframe(rows, "here", "frame")


def test_a_missing_pyarrow_is_one_clear_error(hundred, monkeypatch):
    """pandas alone reads no parquet files."""

    def without(*_, **__):
        raise ImportError("Unable to find a usable engine")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", without)
    with pytest.raises(ImportError, match="writing parquet files needs pyarrow"):
        hundred.to_parquet_files().download("there")
    assert not any(Path("there").iterdir())


# -- rows and columns --------------------------------------------------------------------------------


def test_take_and_skip(hundred):
    """They are done in the order in which they were asked for."""
    assert hundred.take(3).to_pandas_dataframe()["n"].tolist() == [0, 1, 2]
    assert hundred.skip(97).to_pandas_dataframe()["n"].tolist() == [97, 98, 99]
    assert hundred.skip(10).take(2).to_pandas_dataframe().reset_index()["index"].tolist() == [0, 1]
    assert hundred.take(5).skip(3).to_pandas_dataframe()["n"].tolist() == [3, 4]
    assert len(hundred.take(1000).to_pandas_dataframe()) == 100
    for wrong in (-1, 1.5, "3", None, True):
        with pytest.raises(OptionError, match="count"):
            hundred.take(wrong)


def test_the_first_rows_cost_no_reading_of_all(write, monkeypatch):
    """``take(3)`` of a large file reads three rows, and no second file."""
    write("d/1.csv", "n\n" + "1\n" * 10)
    write("d/2.csv", "n\n2\n")
    read_csv, asked = pd.read_csv, []
    monkeypatch.setattr(pd, "read_csv", lambda path, **how: asked.append(how["nrows"]) or read_csv(path, **how))

    assert len(Dataset.Tabular.from_delimited_files("d").take(3).to_pandas_dataframe()) == 3
    assert asked == [3]


def test_a_split_is_a_partition_and_stays_one(hundred, workspace):
    """Both parts together hold each row once, whenever they are read, and also without a seed."""
    for seed in (7, None):
        first, second = hundred.random_split(0.7, seed=seed)
        read = [part.to_pandas_dataframe()["n"].tolist() for part in (first, second)]
        assert sorted(read[0] + read[1]) == list(range(100))
        assert 50 < len(read[0]) < 90  # 70 expected, 4.6 is the standard deviation
        again = Dataset.get_by_id(workspace, first.register(workspace, f"part {seed}").id)
        assert again.to_pandas_dataframe()["n"].tolist() == read[0]
    same = [hundred.random_split(0.7, seed=7)[0].id, hundred.random_split(0.7, 7)[0].id]
    assert same[0] == same[1]
    assert hundred.random_split(0.5)[0].id != hundred.random_split(0.5)[0].id
    with pytest.raises(OptionError, match="percentage"):
        hundred.random_split(70)


def test_a_sample_is_drawn_by_probability(hundred):
    """The same seed draws the same rows, and nobody's random state is touched."""
    import random

    random.seed(1)
    expected = random.random()
    random.seed(1)
    drawn = hundred.take_sample(0.3, seed=5).to_pandas_dataframe()["n"].tolist()
    assert hundred.take_sample(0.3, seed=5).to_pandas_dataframe()["n"].tolist() == drawn
    hundred.take_sample(0.3)
    assert random.random() == expected
    assert 10 < len(drawn) < 50
    assert len(hundred.take_sample(1.0).to_pandas_dataframe()) == 100
    assert hundred.take_sample(0.0).take_sample(0.5).to_pandas_dataframe().shape == (0, 1)


def test_columns_are_kept_and_dropped(write):
    """In the order that was asked for; an unknown one is named with those that are there."""
    dataset = Dataset.Tabular.from_delimited_files(write("a.csv", "a,b,c\n1,2,3\n"))
    assert list(dataset.keep_columns(["c", "a"]).to_pandas_dataframe().columns) == ["c", "a"]
    assert list(dataset.keep_columns("b", validate=True).to_pandas_dataframe().columns) == ["b"]
    assert list(dataset.drop_columns(["a"]).to_pandas_dataframe().columns) == ["b", "c"]
    with pytest.raises(UserErrorException, match="no column 'z'; it has a, b, c"):
        dataset.drop_columns("z").to_pandas_dataframe()
    with pytest.raises(UserErrorException, match="no column 'z'"):
        dataset.keep_columns("z", validate=True)
    with pytest.raises(OptionError, match="name of a column"):
        dataset.keep_columns([])


def test_rows_are_filtered_by_conditions_that_are_stored(write, workspace):
    """A condition travels with the definition, so a script gets the same rows."""
    path = write("a.csv", "age,sex,at,name\n31,1,2019-01-01,ann\n47,2,2020-01-01,bob\n,1,2021-01-01,\n60,1,,cyd\n")
    dataset = Dataset.Tabular.from_delimited_files(path)

    def ages(condition) -> list[float]:
        kept = Dataset.get_by_id(workspace, dataset.filter(condition).register(workspace, f"kept {uuid.uuid4()}").id)
        return kept.to_pandas_dataframe()["age"].dropna().tolist()

    assert ages(dataset["age"] > 40) == [47, 60]
    assert ages((dataset["age"] >= 31) & (dataset["sex"] == 1)) == [31, 60]
    assert ages((dataset["age"] < 40) | ~(dataset["sex"] != 2)) == [31, 47]
    assert ages(dataset["age"] - 10 <= dataset["sex"] * 37) == [31, 47]
    assert ages(dataset["at"] > naive(2019, 6, 1)) == [47]
    assert ages(dataset["at"].is_null()) == [60]
    assert ages(dataset["name"].starts_with("b")) == [47]
    assert ages(dataset["age"] / 2 + 1 == 31) == [60]
    with pytest.raises(OptionError, match="to_pandas_dataframe"):
        dataset.filter(lambda row: True)
    with pytest.raises(OptionError, match="join conditions"):
        dataset.filter(dataset["age"] > 1 and dataset["sex"] == 1)
    with pytest.raises(OptionError, match="compared"):
        dataset["age"] == {}  # noqa: B015 - making it is refused
    with pytest.raises(UserErrorException, match="filtered"):
        dataset.filter(dataset["name"] > 3).to_pandas_dataframe()


def test_spans_of_time(write):
    """Before, after, between, recent; a moment without a zone is meant in UTC."""
    today = datetime.now(UTC)
    rows = (
        "at,n\n2020-01-01,1\n2020-06-01,2\n2021-01-01,3\n" + f"{(today - timedelta(days=1)):%Y-%m-%d %H:%M:%S},4\n,5\n"
    )
    dataset = Dataset.Tabular.from_delimited_files(write("a.csv", rows)).with_timestamp_columns("at", validate=True)

    def kept(part) -> list[int]:
        return part.to_pandas_dataframe()["n"].tolist()

    assert dataset.timestamp_columns == ("at", None)
    assert kept(dataset.time_before(naive(2020, 6, 1))) == [1, 2]
    assert kept(dataset.time_before(naive(2020, 6, 1), include_boundary=False)) == [1]
    assert kept(dataset.time_after(naive(2021, 1, 1))) == [3, 4]
    assert kept(dataset.time_between(naive(2020, 2, 1), naive(2020, 12, 1))) == [2]
    assert kept(dataset.time_after(datetime(2020, 6, 1, 1, tzinfo=timezone(timedelta(hours=1)))).take(1)) == [2]
    assert kept(dataset.time_recent(timedelta(days=2))) == [4]
    old = Dataset.Tabular.from_delimited_files("a.csv").with_timestamp_columns(fine_grain_timestamp="at")
    assert kept(old.time_before(naive(2020, 1, 1))) == [1]
    with pytest.raises(DatasetTimestampMissingError, match="with_timestamp_columns"):
        Dataset.Tabular.from_delimited_files("a.csv").time_before(today)
    with pytest.raises(UserErrorException, match="no column 'when'"):
        old.with_timestamp_columns("when", validate=True)
    with pytest.raises(OptionError, match="datetime"):
        dataset.time_before("2020-01-01")
    with pytest.raises(OptionError, match="timedelta"):
        dataset.time_recent(3)


# -- out ---------------------------------------------------------------------------------------------


def test_rows_become_files_when_they_are_read(hundred):
    """A dataset of rows turned into one of files, as csv and as parquet."""
    part = hundred.take(2)
    (csv,) = part.to_csv_files(separator=";").download("there")
    assert Path(csv).read_text() == "n\n0\n1\n"
    (parquet,) = part.to_parquet_files().download("there")
    assert pd.read_parquet(parquet)["n"].tolist() == [0, 1]
    with part.to_csv_files().mount() as mounted:
        assert Path(mounted.mount_point, "part-00000.csv").read_text() == "n\n0\n1\n"
    with pytest.raises(NeedsCloudError, match="to_pandas_dataframe"):
        part.to_spark_dataframe()
