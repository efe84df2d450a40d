"""The command line of Lapwing."""
