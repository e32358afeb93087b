"""The endpoint table: whole, consistent, found by plain words, and matched from paths as people write them."""
