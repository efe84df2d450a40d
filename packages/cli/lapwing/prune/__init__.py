"""Finds and removes what is old: versions, drives, and the files of jobs that have ended."""
