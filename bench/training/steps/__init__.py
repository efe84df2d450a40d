"""The contestants of `make bench-train`: the same training step, made in several ways.

Each module has `stepper(option)`, which returns a function that trains one step on a batch, uint8
(n, 128, 128, 3) and float32 (n,), and waits for its loss; and `threads()`, the number of threads
that compute it. All train the write-up's network with AMSGrad, on a gradient clipped to the norm 1.
"""
