"""Reports for people: text tables of what a command did."""
