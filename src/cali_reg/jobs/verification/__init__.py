"""Parts of a verification: the inputs of a rebuild, and the first difference of two files."""
