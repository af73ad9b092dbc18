"""The nouns (ARCHITECTURE section 3): frozen values, standard library only, no I/O."""
