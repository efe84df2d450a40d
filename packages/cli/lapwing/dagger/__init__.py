"""The rounds of a DAgger run, and the file that lets an interrupted run go on."""
