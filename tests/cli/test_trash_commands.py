"""``azml trash``: what is listed, restored and purged."""


def test_a_deleted_run_is_listed_and_restored(azml, ended):
    """The keys of JSON stay: docs/reference/command-line.md promises them."""
    run = ended({"alpha": "0.1"}, mse=2.0)
    assert azml("trash", "list").err.startswith("the trash of workspace")
    said = azml("run", "delete", run.id, "--yes").out
    assert said == f"moved 1 run to the trash; `azml run restore {run.id}` undoes it\n"
    assert azml("run", "list", "--output", "json").json == []

    (entry,) = azml("trash", "list", "--output", "json").json
    assert list(entry) == [
        *(
            "entry_id",
            "run_id",
            "experiment",
            "number",
            "label",
            "status",
            "deleted_at",
            "deleted_by",
            "size",
            "run_ids",
        ),
    ]
    assert (entry["run_id"], entry["number"], entry["run_ids"]) == (run.id, 1, [run.id])
    assert "trials" in azml("trash", "list").out

    assert azml("run", "restore", "trials/1").out == "restored 1 run\n"
    assert azml("run", "show", run.id, "--output", "json").json["metrics"]["mse"]["last"] == 2.0


def test_purging_needs_to_know_what(azml, ended):
    """One way of saying it; what is not there is code 3; and it is for good."""
    first, second = ended(), ended()
    azml("run", "delete", first.id, second.id, "--yes")
    azml("trash", "purge", code=2)
    azml("trash", "purge", first.id, "--all", code=2)
    azml("trash", "purge", "nothing", "--yes", code=3)
    assert "nothing to purge" in azml("trash", "purge", "--older-than", "1", "--yes").err
    assert "pass --yes" in azml("trash", "purge", "--all", code=2).err
    assert azml("trash", "purge", first.id, "--yes").out.startswith("purged 1 run, freed ")
    assert azml("trash", "purge", "--older-than", "0", "--yes").out.startswith("purged 1 run, freed ")
    azml("run", "restore", first.id, code=3)


def test_an_entry_that_may_be_several_is_asked_for(azml, ended, workspace):
    """An id of a run that was deleted twice means two entries."""
    run = ended()
    azml("run", "delete", run.id, "--yes")
    workspace.experiments["trials"].start_logging(run_id=run.id, outputs=False, snapshot_directory=None).complete()
    azml("run", "delete", run.id, "--yes")
    assert "may mean each of" in azml("trash", "restore", run.id, code=2).err
    newest, oldest = (entry["entry_id"] for entry in azml("trash", "list", "--output", "json").json)
    azml("trash", "restore", oldest)
    assert "is there already" in azml("trash", "restore", newest, code=1).err


def test_what_came_from_a_run_is_named_before(azml, experiment):
    """On stderr, so that a script's output stays what it was."""
    import io

    with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
        run.upload_file("outputs/m.bin", io.BytesIO(b"0"))
        run.register_model("net", "outputs/m.bin")
    assert f"model net:1 was registered from run {run.id}" in azml("run", "delete", run.id, "--yes").err
    assert "net:1" in azml("trash", "purge", run.id, "--yes").err
    assert azml("model", "list", "--output", "json").json[0]["name"] == "net"


def test_the_doctor_tells_of_the_trash(azml, ended):
    azml("run", "delete", ended().id, "--yes")
    assert "1 run, " in azml("doctor").out
