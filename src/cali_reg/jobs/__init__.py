"""One module per step of the loop: train, fit, update, quantize, verify, predict."""
