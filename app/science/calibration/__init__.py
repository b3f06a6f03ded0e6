"""The systematic difference of a survey from the reference: features, models, conformal step, domain, inversion."""
