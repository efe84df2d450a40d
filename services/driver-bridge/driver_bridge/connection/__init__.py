"""The connection to one simulator: its websocket, its Socket.IO dialect and its session."""
