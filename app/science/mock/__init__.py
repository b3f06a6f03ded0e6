"""The simulated sky: stars of known truth and the surveys that observe them.

`sky` draws stars in fixed blocks, each from its own seed, so that any part of a sky can be drawn alone; `surveys` lets
eight surveys observe a block; `tables` lays what they saw out in the columns of their official catalogues; `truth`
keeps what really is. Nothing here reads or writes a file.
"""
