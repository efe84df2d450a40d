"""Benchmarks: each measures Lapwing beside something to compare it with, in one run."""
