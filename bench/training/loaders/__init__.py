"""Ways of feeding a network; each runs in a process of its own.

python -m bench.training.loaders NAME FOLDER

Each module has a function `batches(folder)`, an endless iterator of batches: BATCH frames of
128 x 128 x 3 uint8, or some rows of each, and their labels. The time before the first batch is not
counted. The folder is prepared by bench.training.stream: it holds the recording, its store, and the
write-up's HDF5 file.
"""

BATCH = 128
