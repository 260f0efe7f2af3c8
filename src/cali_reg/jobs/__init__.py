"""One module per step of the loop: fit, train, update, predict, verify."""
