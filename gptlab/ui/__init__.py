"""The screen: frame, widgets, live views. The only package here that imports Streamlit; importing it loads no torch.

Pages take four things from it: `pick` (widgets that return values), `cached` (work behind a cache), `show` (what is drawn) and
`live` (what draws itself anew). `state` owns the session state, `language` the chosen language, `frame` what surrounds a page.
"""
