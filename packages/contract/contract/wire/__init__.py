"""The messages between the simulator, the bridge and those who watch."""
