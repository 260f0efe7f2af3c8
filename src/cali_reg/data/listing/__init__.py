"""From paths, wildcards, folders and URLs to the files that they name."""
