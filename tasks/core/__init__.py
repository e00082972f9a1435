"""What two or more tasks use, and nothing else."""
