"""The model behind a Protocol: Moonshot's API, and a scripted one for offline use."""
