"""What responses become: objects, pages, raw responses, and how they are displayed."""
