"""The rounds of a DAgger run, and the state that a run is resumed from."""
