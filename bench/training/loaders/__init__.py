"""Ways of feeding a network, each in a process of its own.

python -m bench.training.loaders NAME FOLDER

Each module has `batches(folder)`: an endless iterator of (frames, labels), batches of BATCH frames
of 128 x 128 x 3 uint8 and their labels; what it does before the first batch is not timed. The
folder is what bench.training.stream prepares: the recording, its store, and the write-up's HDF5
file.
"""

BATCH = 128
