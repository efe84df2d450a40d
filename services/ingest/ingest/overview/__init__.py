"""Describes datasets for people: figures, findings, a contact sheet and the steering curve."""
