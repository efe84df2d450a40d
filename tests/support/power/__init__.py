"""Shows what a power cut leaves: records what a program does to a disk, and cuts it anywhere."""
