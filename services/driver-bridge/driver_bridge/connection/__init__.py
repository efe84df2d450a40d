"""The connection to one simulator: its websocket, its Socket.IO dialect, its unanswered telemetry."""
