"""Learning: a loop that yields events, optimizers, schedules, and what a curve says.

The loop is handed its model, its batches and its way to evaluate; it knows neither GPT nor screen nor file. Imports floor 0
and torch only. Nothing is re-exported: `events` and `diagnosis` are read where torch must not be loaded. Reading order:
`events`, `schedule`, `optimizer`, `loop`, `diagnosis`.
"""
