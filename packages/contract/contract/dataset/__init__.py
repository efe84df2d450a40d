"""The HDF5 store of a recording, and what is derived from its rows."""
