"""Outputs of models: files, texts and lists, and how they are saved and displayed."""
