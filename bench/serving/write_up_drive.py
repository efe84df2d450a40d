"""The write-up's drive.py, in the manner of its author.

python -m bench.serving.write_up_drive MODELS PORT

The server of eventlet calls model.predict for each picture. Here it answers HTTP, so that the same
clients can ask it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}


def main() -> None:
    """Serve until it is killed."""
    import cv2
    import eventlet
    import eventlet.wsgi
    import keras
    import numpy as np

    model = keras.models.load_model(f"{sys.argv[1]}/current/model.h5", compile=False)

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if body:
            image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
            image = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (128, 128))
            steering = float(model.predict(image[None], batch_size=1)[0, 0])
        else:
            steering = 0.0
        answer = json.dumps({"steering": steering, "model_version": 0}).encode()
        start(
            "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
        )
        return [answer]

    eventlet.wsgi.server(eventlet.listen(("127.0.0.1", int(sys.argv[2]))), app, log_output=False)


if __name__ == "__main__":
    main()
