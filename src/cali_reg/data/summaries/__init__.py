"""What training keeps of rows, in one pass: summaries that add up in any order to the same bits."""
