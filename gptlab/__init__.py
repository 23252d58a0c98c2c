"""GPT Lab: train small GPTs, look inside them, transfer what they learned.

Floors, each importing only from those below it:

0. words: `config`, `presets`, `errors`, `paths`, `device`, `words`
1. machine: `model`, `tokenizer`
2. work: `data`, `training`, `generation`
3. memory: `runs`, and the command line in `__main__`
4. screen: `ui`, the only package here that knows Streamlit

`figures` stands beside the floors: arrays and dataclasses in, plotly figures out.
"""

__version__ = "0.1.0"
