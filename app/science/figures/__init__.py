"""Figures of the validation report, drawn from arrays: readable in print and on screen, safe for colour-blind eyes."""
