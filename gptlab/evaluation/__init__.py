"""Tasks with labels, what a model scores on them, and what scores without a model are worth.

Imports floors 0 and 1, `data`, `training` and `generation`; torch in `scoring` only.
"""
