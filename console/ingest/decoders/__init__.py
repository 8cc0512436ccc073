"""Decoding in processes beside the console, or in the digest thread."""
