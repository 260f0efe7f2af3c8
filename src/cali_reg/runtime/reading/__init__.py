"""How files of rows are read: what the user asks for, what a first look finds, the rows of CSV."""
