"""Read files and the embedded data set, as batches of rows, features and summaries."""
