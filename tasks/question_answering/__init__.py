"""Question answering: the words of a text, or of many documents, that answer a question, or that there are none."""
