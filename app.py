"""GPT Lab: `streamlit run app.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # also when started from another folder

import streamlit as st  # noqa: E402

from gptlab.ui import frame  # noqa: E402

frame.begin()
chosen = st.navigation(frame.sections())
frame.sidebar()
chosen.run()
