"""Runs rq-dashboard so that it shows Lapwing's queues and changes nothing.

The command of rq-dashboard takes the password of Redis from the command line or the environment,
it lets everybody who reaches the page run jobs again, and it reads jobs as pickles, while ours are
JSON. To cancel a job, use `lapwing cancel`.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from flask import Flask, abort, request
from rq.serializers import JSONSerializer
from rq_dashboard import cli, web


def create(url: str, password: str) -> Flask:
    """Return the application.

    Args:
        url: address of Redis.
        password: password of Redis; "" for none.
    """
    app: Flask = cli.make_flask_app(None, None, None, "")
    app.config.update(
        RQ_DASHBOARD_REDIS_URL=url,
        RQ_DASHBOARD_REDIS_PASSWORD=password or None,
        RQ_DASHBOARD_DISABLE_DELETE=True,
        DEPRECATED_OPTIONS=[],
    )
    web.config.serializer = JSONSerializer
    web.setup_rq_connection(app)

    @app.before_request
    def refuse_changes() -> None:
        # rq-dashboard runs a job again even for a GET.
        if request.method not in ("GET", "HEAD") or "requeue" in request.path.split("/"):
            abort(405)

    return app


def main() -> None:
    """Serve the page until SIGTERM, with the server that rq-dashboard itself uses."""
    file = os.environ.get("LAPWING_REDIS_PASSWORD_FILE", "")
    try:
        password = Path(file).read_text(encoding="utf-8").strip() if file else ""
    except (OSError, ValueError) as error:
        sys.exit(
            f"rq-dashboard: LAPWING_REDIS_PASSWORD_FILE cannot be read: got {file!r} ({error})"
        )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # an open page asks every 2 s
    app = create(os.environ["LAPWING_REDIS_URL"], password)
    app.run(host="0.0.0.0", port=9181, threaded=True)


if __name__ == "__main__":
    main()
