"""The connection to one simulator: websocket, Socket.IO dialect and unanswered telemetry."""
