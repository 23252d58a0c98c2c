"""Looking inside a model: patterns, kinds of heads, what happens without a part, where a fact lies, what each layer would say.

Imports floors 0 and 1 only. Every function takes a model in `eval()` and gives arrays.
"""
