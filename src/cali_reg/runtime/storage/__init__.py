"""Read and write files so that a kill, another process or a full disk leaves no mixture."""
