"""Memory: run folders, checkpoints, the queue of a device and the worker that trains.

A run is a folder; everything that is known about it is in its files, so that a page, a command line and a worker can
come and go. Imports the floors below; no Streamlit. Reading order: `store`, `curve`, `checkpoint`, `job`, `worker`.
"""
