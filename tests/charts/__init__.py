"""Charts of every type, of good and bad data: a sound picture, a text that suffices, never a blank."""
