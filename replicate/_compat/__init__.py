"""Names of earlier versions, which have moved or work differently now."""
