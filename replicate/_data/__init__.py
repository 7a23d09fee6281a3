"""What is sent to models and what comes back: references, schemas, inputs, outputs."""
