"""What the adapter of the toy logs."""

import tempfile
from pathlib import Path

from azml_integrations.autologging import Target


def activate(options):
    """Begin to observe the toy."""
    from azml_integrations.testing import toy

    def observe_fit(run, model, X, y, callbacks=()):
        """Log parameters before the fit, losses, the score and the model after it."""
        run.add_properties({f"param.{name}": str(value) for name, value in model.get_params().items()})
        yield
        for epoch, loss in enumerate(model.losses_):
            run.log("loss", loss, step=epoch)
        run.log("training_score", model.score(X, y))
        if options.log_models:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "model.json")
                model.save(path)
                run.upload_file(f"outputs/Model/{options.extra.get('save_as', 'model')}.json", str(path))

    yield Target(toy.Model, "fit", observe_fit)
