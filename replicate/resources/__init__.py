"""The nouns of the API, one a file: their operations, and the objects that these answer with."""
