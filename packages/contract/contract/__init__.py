"""The contract holds what more than one Lapwing service must agree on, and nothing else.

Sub-packages, with the extra of `lapwing-contract` that each one needs:

    policy      loads a published model and computes steering with it       frame, litert
    models      holds the registry: versions, the current one, the journal  none; golden: frame
    dataset     reads frame stores, and derives time and splits from rows   store; split_file: none
    recordings  reads recordings in the format of Udacity's simulator       none
    frames      makes a network's frame from a camera's image               frame; spec: none
    jobs        holds the job queues, and the worker that runs their jobs   jobs
    wire        defines messages of the simulator, the bridge and viewers   none

The modules next to the sub-packages need no extra, with three exceptions: `steering_metrics` needs
`store`, `tensorboard` needs `board`, and `redis_client` needs the package redis.
"""
