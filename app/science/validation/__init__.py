"""How well the scale agrees with itself and with the outside, on stars that no model has seen."""
