"""What the accuracy bench is made of: recorded speech, real codecs, loss patterns, the peers' formulas, the fit."""
