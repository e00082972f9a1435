"""Gradio apps over the tasks, one tab each: ``python -m apps``, or ``app.py`` on Hugging Face Spaces."""

import os

# Gradio reads this when it is imported; nothing leaves the machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
