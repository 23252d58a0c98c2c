"""The machine: the papers' models, one forward path, watched or changed only on request.

Shape letters used in this package:

    B batch    T tokens (queries)    S keys    H heads    D head size    C channels = H * D
    E embedding rank    F MLP width = 4 * C    V vocabulary    L layers

Imports floor 0, torch and safetensors only. Nothing is re-exported: `counting` is read where torch must not be loaded. Reading order:
`attention`, `gpt`, `trace`, then `lstm`, `build`, `counting`, `interop`.
"""
