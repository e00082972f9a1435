"""Gradio apps over the tasks, one tab each: ``python -m apps``, or ``app.py`` on Hugging Face Spaces."""

import os

# Gradio and the Hub's client read these when they are imported; nothing leaves the machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
