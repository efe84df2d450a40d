"""The driver of one simulator, which answers its telemetry, and the control of the car's speed."""
