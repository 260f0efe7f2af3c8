"""One module for each kind of attack: `case` does one case of it."""
