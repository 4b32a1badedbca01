"""A studio that listens, for a browser."""

import threading
import time

import uvicorn

from azml_integrations.portal import create_app
from azml_integrations.portal.serving import listening


class Served:
    """A studio that listens."""

    def __init__(self, workspace):
        self.door = listening("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        self.app = create_app(workspace)
        config = uvicorn.Config(self.app, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.door]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def link(self, path="/"):
        return f"{self.address}{path}{'&' if '?' in path else '?'}token={self.app.state.token}"

    def close(self):
        self.server.should_exit = True
        self.thread.join()
        self.door.close()
