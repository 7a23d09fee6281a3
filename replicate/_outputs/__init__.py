"""What a model's output becomes: files, texts and lists, and how they are saved and shown."""
