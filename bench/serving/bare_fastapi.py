"""Serves the same decoding and the same network with a bare FastAPI app.

python -m bench.serving.bare_fastapi MODELS PORT
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import uvicorn
from fastapi import FastAPI, Request

from contract.frames import preprocess
from contract.policy.litert import LiteRT


def main() -> None:
    """Serve until it is killed."""
    cv2.setNumThreads(1)
    network = LiteRT(Path(sys.argv[1]) / "current")
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, float]:
        seen = preprocess.prepare(await request.body())
        return {"steering": network.predict(seen[None]).item(), "model_version": 0}

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")


if __name__ == "__main__":
    main()
