"""A catalogue of what selection gets wrong elsewhere: tiny repositories, an edit, what must run."""
