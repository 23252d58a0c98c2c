"""GPT Lab: `streamlit run app.py`.

The file is read twice. The server imports it before anybody visits: `st.navigation` is called once there, because until its first call
Streamlit takes the folder `pages/` for the pages of its old multi-page mode, and a first visit to a deep link would open under a "Page
not found" dialog. Then every visit runs it as a script: the frame, and the chosen page in it.
"""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent))  # also when started from another folder

from gptlab.ui import frame  # noqa: E402

if __name__ == "__main__":
    frame.begin()
    page = st.navigation(frame.sections(), expanded=True)
    frame.sidebar()
    frame.run(page)
else:
    frame.announce()
    app = st.App(__file__)
