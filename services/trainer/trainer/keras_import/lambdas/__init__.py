"""Reads what Lambda layers compute from their bytecode, as data; nothing is run."""
