"""Files, and the embedded data: paths to batches of rows, features and a summary."""
