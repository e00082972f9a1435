"""The errors a caller can meet; each message says what was wrong and what to do.

QuipuError
├── UnknownTaskError (LookupError)     no such task
├── InputError (ValueError)            a text, a label list or an option that can't be used
│   └── FileError                      a file that can't be read as what it should be; nothing of it was used
├── ModelError (OSError)               a model that can't be loaded, or doesn't fit the task
│   └── AdapterError                   the same for an adapter
└── MissingPackageError (ImportError)  an optional package is needed
"""

from __future__ import annotations


class QuipuError(Exception):
    """Base of all errors of this package."""


class UnknownTaskError(QuipuError, LookupError):
    """No task has this name."""


class InputError(QuipuError, ValueError):
    """A text, a label list or an option that can't be used."""


class FileError(InputError):
    """A file that can't be read as what it should be."""


class ModelError(QuipuError, OSError):
    """A model that can't be loaded, or doesn't fit the task."""


class AdapterError(ModelError):
    """An adapter that can't be loaded, or doesn't fit the model."""


class MissingPackageError(QuipuError, ImportError):
    """An optional package is needed; the message holds the install line."""
