"""Publishes immutable files in an object store, and mirrors them on the volumes of each node."""
