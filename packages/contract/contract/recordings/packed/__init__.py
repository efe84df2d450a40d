"""Copies the files of a recording out of a zip or a tar that somebody else may have made."""
