"""A submitted script, from the queue to its end, as the pages see it."""

from pathlib import Path

from queues import eventually

from azml_integrations.core import ScriptRunConfig

SCRIPT = """
import time
print("epoch 1", flush=True)
time.sleep(600)
"""


def test_a_script_is_seen_in_the_queue_followed_and_canceled(studio, experiment, queue):
    """It stands on its target's page while it runs, its log can be read meanwhile, and one click ends it."""
    Path("src").mkdir()
    Path("src/train.py").write_text(SCRIPT)
    run = experiment.submit(ScriptRunConfig("src", script="train.py"))
    assert run.id in studio.get("/compute/local").text

    eventually(lambda: "epoch 1" in studio.get(f"/runs/{run.id}/logs").text)
    assert "Running" in studio.get("/compute/local").text
    assert "print(&#34;epoch 1&#34;" in studio.get(f"/runs/{run.id}/snapshot?file=train.py").text

    assert studio.post(f"/api/runs/{run.id}", json={"action": "cancel"}, headers={"X-Azml": "1"}).status_code == 200
    eventually(lambda: run.get_status() == "Canceled")
    assert "Nothing runs or waits here" in studio.get("/compute/local").text
    assert "Canceled" in studio.get(f"/runs/{run.id}").text
