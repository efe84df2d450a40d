"""Closed-loop evaluation of published models, the gate before `current`, and the report."""
