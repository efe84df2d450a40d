"""Varies recorded samples at random: what is drawn for each, and how its frame is changed."""
