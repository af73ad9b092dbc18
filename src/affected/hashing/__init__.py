"""Checksums, canonical bytes, manifests, fingerprints. Unaware of files, git and caches."""
