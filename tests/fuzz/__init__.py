"""Files that are wrong in one place, or in three: whatever is in them, each is summarised or refused.

Mutations keep what is around them right (checksums, lengths, offsets, archives), so that they get past the first look.
"""
