"""What answers become: objects, pages, whole responses, and how they are shown."""
