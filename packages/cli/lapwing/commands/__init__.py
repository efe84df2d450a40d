"""The commands of `lapwing`: each module holds one command, or a few that belong together."""
