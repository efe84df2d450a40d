"""What the commands print: tables, the progress of jobs, log lines and the live view."""
