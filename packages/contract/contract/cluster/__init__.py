"""The Ray cluster of LAPWING_CLUSTER: where its head is, and how a job joins it."""
