"""Simulates Udacity's car, roads and cameras without a screen."""
