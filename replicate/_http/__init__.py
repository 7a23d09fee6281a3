"""One request, one answer: what is sent, when it is sent again, and what an answer means."""
