"""The messages between the simulator, the bridge and the viewers of a drive."""
