"""What the studio keeps of the runs."""

import threading

from azml_integrations.core import Experiment
from azml_integrations.portal.catalogue import Catalogue


def test_only_what_has_changed_is_read_again(workspace, experiment, monkeypatch):
    """A page that polls a live run among many reads that one run."""
    runs = [experiment.start_logging(outputs=False, snapshot_directory=None) for _ in range(4)]
    for run in runs[1:]:
        run.complete()
    catalogue = Catalogue(workspace)
    first = catalogue.refresh()
    asked = []
    store = type(workspace.view.all()._index)
    ask = store.summaries_of
    monkeypatch.setattr(store, "summaries_of", lambda self, ids: asked.append(list(ids)) or ask(self, ids))

    assert catalogue.refresh() == first
    runs[0].log("loss", 1.0)

    assert catalogue.refresh() > first
    assert asked == [[runs[0].id]]
    assert catalogue.run(runs[0].id).metrics["loss"].last == 1.0
    runs[0].complete()


def test_what_others_do_is_seen(workspace, experiment):
    """A tag from another process, a run that was deleted, a process that died: the next look has it."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    run.complete()
    catalogue = Catalogue(workspace)
    catalogue.refresh()
    run.tag("stage", "prod")
    assert catalogue.run(run.id).record.tags == {"stage": "prod"}

    import shutil

    shutil.rmtree(workspace.view.folder(run.id))
    assert catalogue.run(run.id) is None
    assert catalogue.experiments() == {}


def test_many_threads_see_whole_answers(workspace, experiment):
    """Pages are made in threads: none sees an experiment half read."""
    for _ in range(20):
        experiment.start_logging(outputs=False, snapshot_directory=None).complete()
    live = Experiment(workspace, "live").start_logging(outputs=False, snapshot_directory=None)
    catalogue = Catalogue(workspace)
    wrong, over = [], threading.Event()

    def look():
        while not over.is_set():
            if len(catalogue.experiment(experiment.name)) != 20:
                wrong.append(1)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for step in range(50):
        live.log("loss", 1.0, step=step)
        catalogue.refresh()
    over.set()
    for thread in threads:
        thread.join()
    live.complete()
    assert wrong == []
