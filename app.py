"""Entry of a Hugging Face Space, and of ``python app.py``: the showcase of all apps."""

from apps.components import serve
from apps.showcase import build

demo = build()

if __name__ == "__main__":
    serve(demo, prevent_thread_lock=False)
