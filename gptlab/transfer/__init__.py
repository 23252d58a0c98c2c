"""A pretrained model learns a task from labels, as GPT-1 does (section 3.2 and 3.3).

Imports floors 0 and 1, `data`, `training`, `evaluation` (for tasks and metrics) and `generation`.
"""
