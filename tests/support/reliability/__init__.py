"""The harness of the reliability matrix: containers, failpoints, the table of trials, figures."""
